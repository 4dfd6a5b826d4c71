// What the scripts share: a browser and its visitors, an app that they come back to,
// people and programs.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { webcrypto } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import https from "node:https";
import { after, before } from "node:test";
import * as client from "openid-client";
import { chromium } from "playwright-core";

globalThis.crypto ??= webcrypto; // Node.js 18
globalThis.CryptoKey ??= webcrypto.CryptoKey;

export const env = (name) => {
  assert.ok(process.env[name], `${name} is not set: run this by go test`);
  return process.env[name];
};

export const base = env("HEADYKEY_URL");
export const issuer = new URL(`${base}/auth/v1`);
export const app = "https://app.example/cb"; // where the browser comes back to
export const password = "verdigris under brass";

// headykey runs a command beside the server.
export function headykey(args, input = "") {
  const out = execFileSync(env("HEADYKEY_BINARY"), [...args, "--json", "--data", env("HEADYKEY_DATA")],
    { encoding: "utf8", input, env: { PATH: process.env.PATH }, stdio: ["pipe", "pipe", "pipe"] });
  return JSON.parse(out);
}

let people = 0;

// person makes an account with a name and a confirmed address.
export function person(name = "Ada Lovelace") {
  const email = `person-${process.pid}-${++people}@example.com`;
  return headykey(["users", "create", "--email", email, "--name", name, "--password-stdin"], `${password}\n`);
}

// program registers a client by the command line and returns what it is registered as.
export function program(...flags) {
  const redirect = flags.includes("--redirect-uri") || flags.includes("--grant") ? [] : ["--redirect-uri", app];
  return headykey(["clients", "create", "--name", "Weather", ...redirect, ...flags]);
}

const auths = {
  client_secret_basic: client.ClientSecretBasic,
  client_secret_post: client.ClientSecretPost,
  client_secret_jwt: client.ClientSecretJwt,
  none: client.None,
};

// configure discovers the issuer for a registered client.
export function configure(c, auth = auths[c.token_endpoint_auth_method](c.client_secret)) {
  return client.discovery(issuer, c.client_id, { client_secret: c.client_secret, redirect_uris: c.redirect_uris }, auth);
}

// begin makes the parameters of an authorization request with PKCE, state and nonce,
// and what must be known to check the answer.
export async function begin(parameters = {}) {
  const checks = {
    pkceCodeVerifier: client.randomPKCECodeVerifier(),
    expectedState: client.randomState(),
    expectedNonce: client.randomNonce(),
    idTokenExpected: true,
  };
  const asked = {
    redirect_uri: app,
    scope: "openid profile email",
    code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: "S256",
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    ...parameters,
  };
  return { asked, checks };
}

let browser, server;

// open gives a script its browser, and the apps at *.example a server that says
// "Back at the app" to everybody.
export function open() {
  before(async () => {
    server = https.createServer({ cert: readFileSync(env("HEADYKEY_CERT")), key: readFileSync(env("HEADYKEY_KEY")) },
      (_, answer) => answer.setHeader("Content-Type", "text/html").end("<title>Back at the app</title><link rel=icon href=data:,>"));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    browser = await chromium.launch({
      executablePath: env("CHROMIUM"),
      headless: true,
      args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        `--host-resolver-rules=MAP *.example:443 127.0.0.1:${server.address().port}`,
        `--ignore-certificate-errors-spki-list=${env("HEADYKEY_PIN")}`],
    });
  });
  after(async () => {
    await browser?.close();
    server?.closeAllConnections();
    server?.close();
  });
}

// A Visitor is a person at a browser of their own.
class Visitor {
  constructor(page) {
    this.page = page;
    this.landings = [];
    page.on("request", (r) => {
      if (r.isNavigationRequest() && new URL(r.url()).host.endsWith(".example")) this.landings.push(r);
    });
  }

  goto(url) { return this.page.goto(String(url)); }

  async signIn(who) {
    const form = this.page.getByRole("form", { name: "Sign in" });
    await form.getByRole("textbox", { name: "Email" }).fill(who.email);
    await form.getByRole("textbox", { name: "Password" }).fill(password);
    await form.getByRole("button", { name: "Sign in" }).click();
  }

  allow() { return this.page.getByRole("button", { name: "Allow", exact: true }).click(); }

  deny() { return this.page.getByRole("button", { name: "Don’t allow" }).click(); }

  // landed returns what the app gets: a URL with its fragment, or a Request with
  // a form.
  async landed() {
    await this.page.waitForURL((url) => url.host.endsWith(".example"));
    const request = this.landings.at(-1);
    if (request.method() === "GET") return new URL(this.page.url());
    return new Request(request.url(), { method: "POST", body: new URLSearchParams(request.postData()) });
  }

  // authorize goes through all pages and returns what the app gets.
  async authorize(url, who) {
    await this.goto(url);
    await this.signIn(who);
    await this.allow();
    return this.landed();
  }
}

// visit runs story with a fresh visitor. Whatever the browser complains of on its
// console fails.
export async function visit(story) {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(21_000);
    const complaints = [];
    page.on("pageerror", (e) => complaints.push(String(e)));
    page.on("console", (m) => {
      // That an answer was a 400 is the server's business, not the page's.
      if (m.type() === "error" && !m.text().startsWith("Failed to load resource")) complaints.push(m.text());
    });
    const result = await story(new Visitor(page));
    assert.deepEqual(complaints, [], "the browser complains");
    return result;
  } finally {
    await context.close();
  }
}

// fails awaits that work fails with an OAuth error.
export async function fails(work, error) {
  const e = await work.then(() => assert.fail(`this should fail with ${error}`), (reason) => reason);
  const told = e.error ?? (await e.response?.json())?.error;
  assert.equal(told, error, String(e.stack));
}
