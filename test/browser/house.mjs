// What the scripts share: a browser, its visitors, and a server's links.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { createServer } from "node:http";
import path from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";
import * as house from "../house/scripts.mjs";

export const url = house.env("HEADYKEY_URL");
export const password = "verdigris under brass";

const pictures = process.env.HEADYKEY_TEST_SCREENSHOTS;
if (pictures) mkdirSync(pictures, { recursive: true });

export const launch = () => house.launch(chromium);

// visit runs story with a page of a fresh visitor.
export function visit(browser, options, story) {
  return house.visit(browser, { baseURL: url, viewport: { width: 1280, height: 800 }, ...options }, story);
}

// setupPath makes a link for an administrator.
export function setupPath() {
  const out = house.operate(["admin", "link"]);
  const found = /\/setup\?token=[0-9a-f]+/.exec(out);
  assert.ok(found, `no link in: ${out}`);
  return found[0];
}

// makePerson makes an account that may sign in.
export function makePerson(email, name = "Ada Okafor") {
  house.operate(["users", "create", "--email", email, "--name", name, "--password-stdin"], password);
}

// makeClient registers an app and returns its record and secret.
export function makeClient(name, redirect, ...more) {
  return JSON.parse(house.operate(["clients", "create", "--name", name, "--redirect-uri", redirect, "--json", ...more]));
}

// appKeys are the keys that apps of the Supabase API are made with.
export function appKeys() { return JSON.parse(house.operate(["supabase-keys", "--json"])); }

// startApp runs an app on another site than the server: localhost, not 127.0.0.1. It
// links to sign-in and notes what it gets back.
export async function startApp(t) {
  const app = { answers: [] };
  const server = createServer((request, reply) => {
    const { pathname, search } = new URL(request.url, app.url);
    let body = "";
    request.on("data", (part) => { body += part; });
    request.on("end", () => {
      if (pathname === "/cb") app.answers.push({ method: request.method, in: new URLSearchParams(body || search) });
      reply.setHeader("Content-Type", "text/html; charset=utf-8");
      reply.end(`<!doctype html><title>App</title><link rel="icon" href="data:,"><h1>${pathname === "/cb" ? "Back" : "App"}</h1>` +
        `<a href="${(app.link ?? "").replaceAll("&", "&amp;")}">Sign in</a>`);
    });
  });
  await new Promise((ready) => { server.listen(0, "localhost", ready); });
  t.after(() => { server.closeAllConnections(); server.close(); });
  app.url = `http://localhost:${server.address().port}`;
  app.redirect = `${app.url}/cb`;
  app.client = makeClient("Acme Notes", app.redirect);
  app.ask = (more = {}) => { app.link = askUrl(app.client, app.redirect, more); };
  app.ask();
  return app;
}

// askUrl is where an app sends people to.
export function askUrl(client, redirect, more = {}) {
  return `${url}/auth/v1/authorize?` + new URLSearchParams({
    client_id: client.client_id ?? client.id, response_type: "code", scope: "openid email", redirect_uri: redirect, state: "s1", nonce: "n1", ...more,
  });
}

// call has an app, which proves itself by its secret, ask one of our endpoints.
export async function call(endpoint, client, body) {
  const proof = `${client.client_id ?? client.id}:${client.client_secret ?? client.secret}`;
  const answer = await fetch(`${url}/auth/v1/oauth/${endpoint}`, {
    method: "POST", headers: { Authorization: `Basic ${Buffer.from(proof).toString("base64")}` }, body: new URLSearchParams(body),
  });
  const said = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(said));
  return said;
}

// signUp makes an account by the API and returns once its letter is in the mailbox.
export async function signUp(email) {
  const answer = await fetch(`${url}/api/auth/register`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ email, password }),
  });
  assert.equal(answer.status, 202);
  await letterTo(email);
}

// letterTo returns once a letter to email is in the mailbox.
export async function letterTo(email) {
  for (const end = Date.now() + 21_000; Date.now() < end;) {
    const letters = await (await fetch(`${url}/mailbox.json?to=${encodeURIComponent(email)}`)).json();
    if (letters.length > 0) return;
    await new Promise((again) => { setTimeout(again, 34); });
  }
  assert.fail(`no letter to ${email}`);
}

// makeAdministrator fills the form behind path and ends on the next steps.
export async function makeAdministrator(page, path, email) {
  await page.goto(path);
  await page.getByLabel("Email").fill(email);
  await page.getByRole("textbox", { name: "Password" }).fill(password);
  await page.getByRole("button", { name: "Create administrator" }).click();
  await page.waitForURL("**/setup/next");
}

// inspect holds the page against WCAG 2.2 AA and against its own width, and takes
// its picture if pictures are wanted.
export async function inspect(page, name) {
  if (pictures) await page.screenshot({ path: path.join(pictures, `${name}.png`), fullPage: true });
  const { violations } = await new AxeBuilder({ page })
    .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
    .exclude("iframe") // a letter, which runs no script
    .analyze();
  const told = violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ") + " " + n.failureSummary).join("; ")}`);
  assert.deepEqual(told, [], `${name} is not accessible`);
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(over <= 0, `${name} is ${over} px too wide`);
}
