// An app's page in Chromium, at an origin of its own.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import https from "node:https";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { launch, visit } from "../../../house/scripts.mjs";
import { address, base, env, keys, letter, otherPassword, password, site } from "../house.mjs";

const require = createRequire(import.meta.url);
const library = readFileSync(require.resolve("@supabase/supabase-js/dist/umd/supabase.js"));

// page is what the app serves at every address: a client, and what it hears.
const page = `<!doctype html><title>App</title><link rel=icon href=data:,><script src=/supabase.js></script><script>
  const flowType = new URLSearchParams(location.search).get("flow") ?? "implicit";
  const auth = supabase.createClient(${JSON.stringify(base)}, ${JSON.stringify(keys.publishable)}, { auth: { flowType } }).auth;
  const events = [];
  auth.onAuthStateChange((event) => events.push(event));
</script>`;

let browser, server;

before(async () => {
  server = https.createServer({ cert: readFileSync(env("HEADYKEY_CERT")), key: readFileSync(env("HEADYKEY_KEY")) }, (request, answer) => {
    const script = request.url === "/supabase.js";
    answer.setHeader("Content-Type", script ? "text/javascript" : "text/html").end(script ? library : page);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  browser = await launch(chromium, `--host-resolver-rules=MAP *.example:443 127.0.0.1:${server.address().port}`,
    `--ignore-certificate-errors-spki-list=${env("HEADYKEY_PIN")}`);
});

after(async () => {
  await browser?.close();
  server?.closeAllConnections();
  server?.close();
});

// heardOf waits until the page has heard of an event.
const heardOf = (tab, event) => tab.waitForFunction((wanted) => events.includes(wanted), event);

for (const flow of ["implicit", "pkce"]) {
  test(`a page signs somebody up, and finds the session in its address: ${flow}`, async () => {
    const email = address();
    await visit(browser, {}, async (tab) => {
      await tab.goto(`${site}/?flow=${flow}`);
      const asked = await tab.evaluate(([email, password, emailRedirectTo]) =>
        auth.signUp({ email, password, options: { emailRedirectTo } }), [email, password, `${site}/welcome?flow=${flow}`]);
      assert.deepEqual([asked.error, asked.data.session], [null, null]);
      const { link } = await letter(email);
      await tab.goto(link);
      await tab.getByRole("button", { name: "Confirm email address" }).click();
      await tab.waitForURL((url) => url.origin === site && url.pathname === "/welcome");
      await heardOf(tab, "SIGNED_IN");
      const { data } = await tab.evaluate(() => auth.getUser());
      assert.equal(data.user.email, email);
      const at = new URL(tab.url());
      assert.deepEqual([at.hash.length <= 1, at.searchParams.get("code")], [true, null], "the address is clean again");
      await tab.reload();
      assert.equal((await tab.evaluate(() => auth.getClaims())).data.claims.email, email);
    });
  });
}

test("a page that recovers hears so, and tabs go out together", async () => {
  const email = address();
  await visit(browser, {}, async (tab, context) => {
    await tab.goto(site);
    await tab.evaluate(([email, password]) => auth.signUp({ email, password }), [email, password]);
    await letter(email);
    await tab.evaluate((email) => auth.resetPasswordForEmail(email), email);
    await tab.goto((await letter(email)).link);
    await tab.getByRole("button", { name: "Go on" }).click();
    await tab.waitForURL((url) => url.origin === site);
    await heardOf(tab, "PASSWORD_RECOVERY");
    const changed = await tab.evaluate((password) => auth.updateUser({ password }), otherPassword);
    assert.equal(changed.error, null);
    const other = await context.newPage();
    await other.goto(site);
    assert.equal((await other.evaluate(() => auth.getUser())).data.user.email, email);
    assert.equal((await tab.evaluate(() => auth.signOut())).error, null);
    await heardOf(other, "SIGNED_OUT");
    await other.waitForFunction(async () => (await auth.getSession()).data.session === null); // tabs share a storage, a moment later
  });
});

test("a link that was used says so to the page", async () => {
  const email = address();
  await visit(browser, {}, async (tab) => {
    await tab.goto(site);
    await tab.evaluate((email) => auth.signInWithOtp({ email }), email);
    const { link } = await letter(email);
    for (const wanted of ["access_token=", "error_code=otp_expired"]) {
      await tab.goto(link);
      const back = tab.waitForRequest((r) => r.isNavigationRequest() && r.url().startsWith(site));
      await tab.getByRole("button").click();
      assert.ok((await back).url().includes(wanted) || (await tab.evaluate(() => location.href)).includes(wanted) || wanted === "access_token=");
      await tab.waitForURL((url) => url.origin === site);
    }
    const { error } = await tab.evaluate(async () => {
      const { error } = await auth.initialize();
      return { error: error?.details?.code };
    });
    assert.equal(error, "otp_expired");
  });
});

test("a page reads the code of an error", async () => {
  await visit(browser, {}, async (tab) => {
    await tab.goto(site);
    const failure = await tab.evaluate(async ([email, password]) => {
      const { error } = await auth.signInWithPassword({ email, password });
      return { code: error.code, status: error.status };
    }, [address(), password]);
    assert.deepEqual(failure, { code: "invalid_credentials", status: 400 });
  });
});

test("a page of strangers gets no answer", async () => {
  await assert.rejects(visit(browser, {}, async (tab) => {
    await tab.goto("https://stranger.example/");
    const failure = await tab.evaluate(async ([email, password]) => {
      const { error } = await auth.signInWithPassword({ email, password });
      return { name: error.name, status: error.status };
    }, [address(), password]);
    assert.deepEqual(failure, { name: "AuthRetryableFetchError", status: 0 });
  }), (e) => e.actual.length > 0 && e.actual.every((complaint) => complaint.includes("blocked by CORS policy")));
});
