import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { askUrl, call, inspect, launch, letterTo, makeClient, makePerson, password, startApp, url, visit } from "./house.mjs";

let browser;
before(async () => { browser = await launch(); });
after(async () => { await browser?.close(); });

async function signIn(page, email) {
  await page.getByLabel("Email").fill(email);
  await page.getByRole("textbox", { name: "Password" }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

const back = (page) => page.getByRole("heading", { name: "Back" }).waitFor();

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? "with JavaScript" : "without JavaScript";

  test(`a person signs in for an app of another site, once: ${how}`, async (t) => {
    const app = await startApp(t);
    const email = `once-${javaScriptEnabled}@example.com`;
    makePerson(email);
    await visit(browser, { javaScriptEnabled }, async (page) => {
      await page.goto(app.url);
      await page.getByRole("link", { name: "Sign in" }).click();
      await page.getByRole("heading", { name: "Sign in" }).waitFor();
      await page.getByText("to continue to Acme Notes").waitFor();
      await page.getByRole("form", { name: "Sign in" }).waitFor();
      await signIn(page, email);
      await page.getByRole("heading", { name: "Allow Acme Notes to use your account?" }).waitFor();
      assert.equal(await page.getByLabel("Know that you are you").isDisabled(), true);
      assert.equal(await page.getByLabel("See your email address").isChecked(), true);
      assert.equal(await page.getByLabel("Keep this access for").inputValue(), "session");
      await page.getByLabel("Keep this access for").selectOption({ label: "8 hours" });
      await page.getByRole("button", { name: "Allow", exact: true }).click();
      await back(page);
      const first = app.answers.at(-1);
      assert.deepEqual([first.in.get("state"), first.in.get("iss"), first.in.get("error")], ["s1", `${url}/auth/v1`, null]);
      assert.ok(first.in.get("code"));

      // Signed in and allowed: the app's link leads straight back.
      const shown = [];
      page.on("framenavigated", (frame) => { shown.push(new URL(frame.url()).pathname); });
      await page.goto(app.url);
      await page.getByRole("link", { name: "Sign in" }).click();
      await back(page);
      assert.equal(app.answers.length, 2);
      assert.ok(app.answers[1].in.get("code"));
      assert.ok(!shown.includes("/sign-in") && !shown.includes("/consent"), `a page was shown: ${shown}`);

      app.ask({ prompt: "login" });
      await page.goto(app.url);
      await page.getByRole("link", { name: "Sign in" }).click();
      await page.getByText("Sign in again to go on").waitFor();
      assert.equal(await page.getByLabel("Email").inputValue(), email);
      await signIn(page, email);
      await back(page);
      assert.ok(app.answers[2].in.get("code"));
    });
  });

  test(`an answer travels in a form: ${how}`, async (t) => {
    const app = await startApp(t);
    const email = `form-${javaScriptEnabled}@example.com`;
    makePerson(email);
    app.ask({ response_mode: "form_post" });
    await visit(browser, { javaScriptEnabled }, async (page) => {
      await page.goto(app.url);
      await page.getByRole("link", { name: "Sign in" }).click();
      await signIn(page, email);
      await page.getByRole("button", { name: "Allow", exact: true }).click();
      if (!javaScriptEnabled) await page.getByRole("button", { name: "Continue" }).click();
      await back(page);
      const { method, in: got } = app.answers.at(-1);
      assert.deepEqual([method, got.get("state"), Boolean(got.get("code"))], ["POST", "s1", true]);
    });
  });

  test(`a person says no: ${how}`, async (t) => {
    const app = await startApp(t);
    const email = `no-${javaScriptEnabled}@example.com`;
    makePerson(email);
    await visit(browser, { javaScriptEnabled }, async (page) => {
      await page.goto(app.url);
      await page.getByRole("link", { name: "Sign in" }).click();
      await signIn(page, `nobody-${email}`);
      await page.getByRole("alert").getByText("The email or password is not right.").waitFor();
      await page.goBack();
      await page.goForward();
      await page.reload();
      await signIn(page, email);
      await page.getByRole("button", { name: "Don’t allow" }).click();
      await back(page);
      assert.equal(app.answers.at(-1).in.get("error"), "access_denied");
    });
  });

  test(`somebody else takes over, and a new person comes: ${how}`, async (t) => {
    const app = await startApp(t);
    const email = `first-${javaScriptEnabled}@example.com`;
    const fresh = `fresh-${javaScriptEnabled}@example.com`;
    makePerson(email);
    app.ask({ prompt: "select_account" });
    await visit(browser, { javaScriptEnabled }, async (page) => {
      await page.goto(app.url);
      await page.getByRole("link", { name: "Sign in" }).click();
      await signIn(page, email);
      await page.getByRole("heading", { name: /^Allow/ }).waitFor();
      await page.goto(app.url);
      await page.getByRole("link", { name: "Sign in" }).click();
      await page.getByRole("button", { name: `Continue as ${email}` }).click();
      await page.getByRole("button", { name: "Not you?" }).click();
      await page.getByRole("link", { name: "Create an account" }).click();
      await page.getByLabel("Name").fill("Fresh Person");
      await page.getByLabel("Email").fill(fresh);
      await page.getByRole("textbox", { name: "Password" }).fill(password);
      await page.getByRole("button", { name: "Create account" }).click();
      await page.getByRole("heading", { name: "Check your inbox" }).waitFor();
      await letterTo(fresh);
      await page.getByRole("link", { name: "Open the development mailbox" }).click();
      await page.getByRole("row", { name: new RegExp(fresh) }).getByRole("link").click();
      await page.getByRole("link", { name: "Open link" }).click();
      await page.getByRole("button", { name: "Confirm email address" }).click();
      await page.getByText("to continue to Acme Notes").waitFor();
      await page.getByRole("link", { name: "Sign in" }).click();
      await signIn(page, fresh);
      await page.getByText("Fresh Person").waitFor();
      await page.getByRole("button", { name: "Allow", exact: true }).click();
      await back(page);
      assert.ok(app.answers.at(-1).in.get("code"));
    });
  });
}

test("nobody allows by a click that was meant for the page before", async (t) => {
  const app = await startApp(t);
  makePerson("calm@example.com");
  await visit(browser, {}, async (page) => {
    await page.goto(app.link);
    await signIn(page, "calm@example.com");
    await page.waitForURL("**/consent?**");
    const allow = page.getByRole("button", { name: "Allow", exact: true });
    await allow.and(page.locator(":enabled")).waitFor();
    await page.reload();
    assert.equal(await allow.isDisabled(), true);
    await allow.and(page.locator(":enabled")).waitFor();
  });
});

const grants = ["authorization_code", "urn:ietf:params:oauth:grant-type:device_code", "urn:openid:params:grant-type:ciba"].flatMap((one) => ["--grant", one]);

// withLogo names a file with a logo that cannot be had: the page stands without it.
const withLogo = path.join(mkdtempSync(path.join(tmpdir(), "headykey-")), "client.json");
writeFileSync(withLogo, JSON.stringify({ logo_uri: "https://127.0.0.1/logo.png" }));
after(() => { rmSync(path.dirname(withLogo), { recursive: true }); });

const looks = [
  ["light", "desktop", { width: 1280, height: 800 }], ["dark", "desktop", { width: 1280, height: 800 }],
  ["light", "mobile", { width: 390, height: 844 }], ["dark", "mobile", { width: 390, height: 844 }],
];
for (const [colorScheme, size, viewport] of looks) {
  const look = `${colorScheme}-${size}`;
  test(`every page on the way to an app is fit for everybody: ${look}`, async () => {
    const redirect = "https://notes.acme.example/callback";
    const scopes = ["openid", "email", "profile", "offline_access", "notes.read", "notes.write"];
    const client = makeClient("Acme Notes", redirect, "--scope", scopes.join(","), "--metadata", withLogo, ...grants);
    const ask = (more) => askUrl(client, redirect, { scope: scopes.join(" "), heady_bounced: "1", ...more });
    const email = `flow-${look}@example.com`;
    makePerson(email);
    await visit(browser, { colorScheme, viewport, reducedMotion: "reduce" }, async (page) => {
      const see = async (name, to) => {
        if (to) await page.goto(to);
        await page.locator("button:disabled").first().waitFor({ state: "detached" });
        await inspect(page, `${name}-${look}`);
      };
      await see("sign-up", ask({ prompt: "create" }));
      await page.getByLabel("Email").fill(`new-${look}@example.com`);
      await page.getByRole("textbox", { name: "Password" }).fill("password");
      await page.getByRole("button", { name: "Create account" }).click();
      await page.locator("#password-fault").waitFor();
      await see("sign-up-failed");
      await page.getByRole("textbox", { name: "Password" }).fill(password);
      await page.getByRole("button", { name: "Create account" }).click();
      await page.getByRole("heading", { name: "Check your inbox" }).waitFor();
      await see("inbox");

      await see("sign-in", ask());
      await signIn(page, `nobody-${look}@example.com`);
      await page.getByRole("alert").waitFor();
      await see("sign-in-failed");
      await signIn(page, email);
      await page.getByRole("heading", { name: "Allow Acme Notes to use your account?" }).waitFor();
      await see("consent");
      await page.getByText("Full address").click();
      await see("consent-address");
      await see("sign-in-again", ask({ prompt: "login" }));
      await see("select-account", ask({ prompt: "select_account" }));

      const { user_code } = await call("device", client, { scope: scopes.join(" ") });
      await page.goto(`/device?user_code=${user_code}`);
      await see("device");
      await page.getByRole("button", { name: "Continue" }).click();
      await page.getByRole("heading", { name: "Allow Acme Notes to use your account?" }).waitFor();
      await see("device-allow");
      for (const message of ["Order 42", "Order 43"]) {
        await call("bc-authorize", client, { scope: scopes.join(" "), login_hint: email, binding_message: message });
      }
      await page.goto("/approvals");
      await page.getByText("Order 43").waitFor();
      await see("approvals");

      const local = makeClient("Trellis", "http://127.0.0.1:8000/cb");
      await see("consent-here", askUrl(local, "http://127.0.0.1:5273/cb", { heady_bounced: "1" }));
      await see("bad-request", ask({ redirect_uri: "https://evil.example/" }));
      await page.getByText("For developers").click();
      await see("bad-request-open");
      await see("stale", "/consent?request=0");
      await see("confirmed-alone", "/verify-email/done");
      await page.route("**/ui.js", (route) => route.abort()); // it would send the form at once
      await see("form-post", ask({ response_mode: "form_post", prompt: "none" }));
    });
  });
}
