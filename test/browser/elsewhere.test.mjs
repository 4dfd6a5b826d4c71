// People who answer a device or a program that is elsewhere, and who leave.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { inspect, launch, letterTo, makeClient, makePerson, password, startApp, url, visit } from "./house.mjs";

const device = "urn:ietf:params:oauth:grant-type:device_code";
const ciba = "urn:openid:params:grant-type:ciba";

let browser;
before(async () => { browser = await launch(); });
after(async () => { await browser?.close(); });

async function signIn(page, email) {
  await page.getByLabel("Email").fill(email);
  await page.getByRole("textbox", { name: "Password" }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

// post sends a form to the issuer as client proves itself.
async function post(client, path, fields) {
  const answer = await fetch(`${url}/auth/v1${path}`, {
    method: "POST",
    headers: { Authorization: `Basic ${btoa(`${client.client_id}:${client.client_secret}`)}` },
    body: new URLSearchParams(fields),
  });
  return { status: answer.status, ...(await answer.json()) };
}

const makeTelevision = () => makeClient("Living Room", "https://tv.example/cb", "--grant", device, "--scope", "openid,email");
const makeBank = () => makeClient("Acme Bank", "https://bank.example/cb", "--grant", ciba, "--scope", "openid,email");

const ask = (bank, email) => post(bank, "/oauth/bc-authorize", { scope: "openid email", login_hint: email, binding_message: "W4SCT" });
const poll = (bank, asked) => post(bank, "/token", { grant_type: ciba, auth_req_id: asked.auth_req_id });

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? "with JavaScript" : "without JavaScript";

  test(`a device is connected by the code that it shows: ${how}`, async () => {
    const email = `tv-${javaScriptEnabled}@example.com`;
    makePerson(email);
    const tv = makeTelevision();
    const shown = await post(tv, "/oauth/device", { scope: "openid email" });
    const redeem = () => post(tv, "/token", { grant_type: device, device_code: shown.device_code });
    await visit(browser, { javaScriptEnabled }, async (page) => {
      await page.goto("/device");
      if (javaScriptEnabled) {
        await page.getByLabel("Code").fill("BBBB-BBBB");
        await page.getByRole("button", { name: "Continue" }).click();
        await page.getByRole("alert").waitFor();
      }
      await page.getByLabel("Code").fill(shown.user_code.toLowerCase().replace("-", " "));
      await page.getByRole("button", { name: "Continue" }).click();
      await signIn(page, email);
      await page.getByRole("heading", { name: "Allow Living Room to use your account?" }).waitFor();
      await page.getByText(shown.user_code).waitFor();
      assert.equal((await redeem()).error, "authorization_pending");
      await page.getByRole("button", { name: "Allow", exact: true }).click();
      await page.getByRole("heading", { name: "All done" }).waitFor();
      await page.getByText("It is connected now.").waitFor();
    });
    await new Promise((pause) => { setTimeout(pause, 1000 * shown.interval + 100); }); // as the device must
    assert.equal((await redeem()).status, 200);
  });

  test(`a program asks from elsewhere, and is answered: ${how}`, async () => {
    const email = `asked-${javaScriptEnabled}@example.com`;
    makePerson(email);
    const bank = makeBank();
    const [yes, no] = [await ask(bank, email), await ask(bank, email)];
    assert.deepEqual([yes.status, no.status], [200, 200]);
    await letterTo(email);
    await visit(browser, { javaScriptEnabled }, async (page) => {
      await page.goto("/approvals");
      await signIn(page, email);
      const waiting = page.getByRole("form", { name: "Request of Acme Bank" });
      assert.equal(await waiting.count(), 2);
      await waiting.last().getByText("W4SCT").waitFor();
      await waiting.last().getByRole("button", { name: "Allow", exact: true }).click(); // the older one
      await page.getByRole("status").waitFor();
      assert.equal(await waiting.count(), 1);
      await waiting.getByRole("button", { name: "Don’t allow" }).click();
      await page.getByText("No app waits for your permission.").waitFor();
    });
    assert.equal((await poll(bank, yes)).status, 200);
    assert.equal((await poll(bank, no)).error, "access_denied");
  });

  test(`a person leaves, or stays: ${how}`, async (t) => {
    const app = await startApp(t);
    const email = `leaves-${javaScriptEnabled}@example.com`;
    makePerson(email);
    await visit(browser, { javaScriptEnabled }, async (page) => {
      await page.goto(app.url);
      await page.getByRole("link", { name: "Sign in" }).click();
      await signIn(page, email);
      await page.getByRole("button", { name: "Allow", exact: true }).click();
      await page.getByRole("heading", { name: "Back" }).waitFor();

      await page.goto(`/auth/v1/oauth/logout?client_id=${app.client.client_id}`);
      await page.getByText("Acme Notes sent you here.").waitFor();
      await page.getByRole("button", { name: "Stay signed in" }).click();
      await page.waitForURL((at) => at.pathname === "/");
      await page.goto("/logout");
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByText("Your session in this browser has ended.").waitFor();
      await page.getByRole("link", { name: "Sign in" }).click();
      await page.getByRole("heading", { name: "Sign in" }).waitFor();
    });
  });
}

const looks = [
  ["light", "desktop", { width: 1280, height: 800 }], ["dark", "desktop", { width: 1280, height: 800 }],
  ["light", "mobile", { width: 390, height: 844 }], ["dark", "mobile", { width: 390, height: 844 }],
];
for (const [colorScheme, size, viewport] of looks) {
  const look = `${colorScheme}-${size}`;
  test(`every page for what is elsewhere is fit for everybody: ${look}`, async () => {
    const email = `elsewhere-${look}@example.com`;
    makePerson(email);
    const [tv, bank] = [makeTelevision(), makeBank()];
    const shown = await post(tv, "/oauth/device", { scope: "openid email" });
    await ask(bank, email);
    await visit(browser, { colorScheme, viewport, reducedMotion: "reduce" }, async (page) => {
      const see = async (name, to) => {
        if (to) await page.goto(to);
        await inspect(page, `${name}-${look}`);
      };
      await see("sign-in-plain", "/approvals");
      await signIn(page, email);
      await page.getByRole("form", { name: "Request of Acme Bank" }).waitFor();
      await see("approvals");
      await page.getByRole("button", { name: "Don’t allow" }).click();
      await page.getByText("No app waits for your permission.").waitFor();
      await see("approvals-none");

      if (look === "light-desktop" || look === "dark-mobile") { // an address may guess few codes
        await page.goto("/device");
        await page.getByLabel("Code").fill("BBBB-BBBB");
        await page.getByRole("button", { name: "Continue" }).click();
        await page.getByRole("alert").waitFor();
        await see("device-failed");
      }
      await see("device", shown.verification_uri_complete);
      await page.getByRole("button", { name: "Continue" }).click();
      await page.getByRole("heading", { name: "Allow Living Room to use your account?" }).waitFor();
      await see("device-allow");
      await page.getByRole("button", { name: "Allow", exact: true }).click();
      await page.getByRole("heading", { name: "All done" }).waitFor();
      await see("device-done");

      await see("logout", `/auth/v1/oauth/logout?client_id=${bank.client_id}`);
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByText("Your session in this browser has ended.").waitFor();
      await see("signed-out");
      await see("bad-logout", "/auth/v1/oauth/logout?post_logout_redirect_uri=https://evil.example/");
    });
  });
}
