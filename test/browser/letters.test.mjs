// Links of letters that apps had sent: a page, a click, and on to the app.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { appKeys, inspect, launch, letterTo, password, url, visit } from "./house.mjs";

let browser, anon, app;
before(async () => {
  browser = await launch();
  anon = appKeys().anon;
  app = createServer((_, reply) => {
    reply.setHeader("Content-Type", "text/html; charset=utf-8");
    reply.end('<!doctype html><html lang="en"><title>App</title><link rel="icon" href="data:,"><h1>Back</h1>');
  });
  await new Promise((ready) => { app.listen(0, "127.0.0.1", ready); });
  app.url = `http://127.0.0.1:${app.address().port}`;
});
after(async () => {
  await browser?.close();
  app?.closeAllConnections();
  app?.close();
});

async function post(path, body, status = 200) {
  const answer = await fetch(`${url}/auth/v1${path}`, {
    method: "POST", headers: { apikey: anon, "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  const said = await answer.json();
  assert.equal(answer.status, status, JSON.stringify(said));
  return said;
}

// linkTo returns the link of the newest letter to email.
async function linkTo(email) {
  await letterTo(email);
  const [letter] = await (await fetch(`${url}/mailbox.json?to=${encodeURIComponent(email)}`)).json();
  const found = /https?:\/\/\S+\/auth\/v1\/verify\?\S+/.exec(letter.text);
  assert.ok(found, letter.text);
  return found[0];
}

async function signUp(email, more = {}) {
  await post(`/signup?redirect_to=${encodeURIComponent(`${app.url}/in`)}`, { email, password, ...more });
  return linkTo(email);
}

const confirm = (page) => page.getByRole("button", { name: "Confirm email address" }).click();

// back returns what the app was told: behind the # and in the query.
async function back(page) {
  await page.getByRole("heading", { name: "Back" }).waitFor();
  const at = new URL(page.url());
  assert.equal(at.origin + at.pathname, `${app.url}/in`);
  return { fragment: new URLSearchParams(at.hash.slice(1)), query: at.searchParams };
}

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? "with JavaScript" : "without JavaScript";

  test(`a link is spent by a click alone, and leads to the app: ${how}`, async () => {
    const email = `link-${javaScriptEnabled}@example.com`;
    const link = await signUp(email);
    for (const method of ["HEAD", "GET", "GET"]) { // as what scans mail does
      assert.equal((await fetch(link, { method, headers: { "Sec-Purpose": "prefetch" } })).status, 200);
    }
    await visit(browser, { javaScriptEnabled }, async (page) => {
      await page.goto(link);
      await page.reload();
      await confirm(page);
      const { fragment, query } = await back(page);
      assert.equal(fragment.get("type"), "signup");
      assert.equal([...query].length, 0);
      const me = await fetch(`${url}/auth/v1/user`, { headers: { apikey: anon, Authorization: `Bearer ${fragment.get("access_token")}` } });
      assert.equal((await me.json()).email, email);

      await page.goto(link);
      await confirm(page);
      const failed = await back(page);
      for (const told of [failed.fragment, failed.query]) {
        assert.equal(told.get("error"), "access_denied");
        assert.equal(told.get("error_code"), "otp_expired");
      }
    });
  });

  test(`an app that sent a challenge gets a code: ${how}`, async () => {
    const verifier = randomBytes(32).toString("base64url");
    const link = await signUp(`code-${javaScriptEnabled}@example.com`, {
      code_challenge: createHash("sha256").update(verifier).digest("base64url"), code_challenge_method: "s256",
    });
    await visit(browser, { javaScriptEnabled }, async (page) => {
      await page.goto(link);
      await confirm(page);
      const { fragment, query } = await back(page);
      assert.equal([...fragment].length, 0);
      const session = await post("/token?grant_type=pkce", { auth_code: query.get("code"), code_verifier: verifier });
      assert.equal(session.user.email, `code-${javaScriptEnabled}@example.com`);
    });
  });
}

test("a link of no kind is told so", async () => {
  await visit(browser, {}, async (page) => {
    const answer = await page.goto("/auth/v1/verify?token=x&type=nothing");
    assert.equal(answer.status(), 400);
    await page.getByText("There are no letters of this type.").waitFor();
    await inspect(page, "letter-link-bad");
  });
});

const looks = [
  ["light", "desktop", { width: 1280, height: 800 }], ["dark", "desktop", { width: 1280, height: 800 }],
  ["light", "mobile", { width: 390, height: 844 }], ["dark", "mobile", { width: 390, height: 844 }],
];
for (const [colorScheme, size, viewport] of looks) {
  test(`the page of a link is fit for everybody: ${colorScheme}-${size}`, async () => {
    await visit(browser, { colorScheme, viewport, reducedMotion: "reduce" }, async (page) => {
      for (const [type, title] of [
        ["signup", "Confirm your email address"], ["magiclink", "Sign in"], ["recovery", "Choose a new password"],
        ["invite", "Accept the invitation"], ["email_change", "Change your email address"],
      ]) {
        await page.goto(`/auth/v1/verify?token=x&type=${type}&redirect_to=${encodeURIComponent(app.url)}`);
        await page.getByRole("heading", { name: title }).waitFor();
        await inspect(page, `letter-link-${type}-${colorScheme}-${size}`);
      }
    });
  });
}
