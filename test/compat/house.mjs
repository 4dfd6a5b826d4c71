// What the scripts share: a browser and its visitors, an app that they come back to,
// people and programs.
import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import https from "node:https";
import { after, before } from "node:test";
import { exportJWK, generateKeyPair } from "jose";
import * as client from "openid-client";
import { chromium } from "playwright-core";
import * as house from "../house/scripts.mjs";

globalThis.crypto ??= webcrypto; // Node.js 18
globalThis.CryptoKey ??= webcrypto.CryptoKey;

export const { env } = house;

export const base = env("HEADYKEY_URL");
export const issuer = new URL(`${base}/auth/v1`);
export const app = "https://app.example/cb"; // where the browser comes back to
export const password = "verdigris under brass";

// headykey runs a command beside the server.
export const headykey = (args, input) => JSON.parse(house.operate([...args, "--json"], input));

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

// register lets a program register itself and configures it. A client that proves
// itself by a key of its own names the proof.
export function register(metadata = {}, auth = auths[metadata.token_endpoint_auth_method ?? "client_secret_basic"]()) {
  return client.dynamicClientRegistration(issuer, { client_name: "Weather", redirect_uris: [app], ...metadata }, auth);
}

// keyFor makes a key pair for a JOSE algorithm: the public half as a key set.
export async function keyFor(alg, use = "sig") {
  const pair = await generateKeyPair(alg, { extractable: true });
  const kid = `${alg} key`;
  return { key: pair.privateKey, alg, kid, jwks: { keys: [{ ...await exportJWK(pair.publicKey), use, alg, kid }] } };
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

// Ada is known from the start of a script: a person, and a browser in which they
// are signed in.
export let ada, known;

let browser, server;

// open gives a script its browser, Ada, and the apps at *.example a server that says
// "Back at the app" to everybody.
export function open() {
  before(async () => {
    server = https.createServer({ cert: readFileSync(env("HEADYKEY_CERT")), key: readFileSync(env("HEADYKEY_KEY")) },
      (_, answer) => answer.setHeader("Content-Type", "text/html").end("<title>Back at the app</title><link rel=icon href=data:,>"));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    browser = await house.launch(chromium, `--host-resolver-rules=MAP *.example:443 127.0.0.1:${server.address().port}`,
      `--ignore-certificate-errors-spki-list=${env("HEADYKEY_PIN")}`);
    ada = person();
    known = await visit(async (v) => {
      await v.goto(`${base}/sign-in`);
      await v.signIn(ada);
      await v.page.waitForURL((url) => url.pathname !== "/sign-in");
      return v.page.context().storageState();
    });
  });
  after(async () => {
    await browser?.close();
    server?.closeAllConnections();
    server?.close();
  });
}

const isApp = (url) => URL.canParse(url) && new URL(url).host.endsWith(".example");

// A Visitor is a person at a browser of their own.
class Visitor {
  constructor(page) {
    this.page = page;
    this.landings = []; // not yet looked at
    let request;
    page.on("request", (r) => { if (r.isNavigationRequest()) request = r; });
    page.on("framenavigated", (frame) => {
      if (frame === page.mainFrame() && isApp(frame.url())) this.landings.push({ url: frame.url(), request });
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

  // follow goes to url as a link on the app's page does.
  follow(url) {
    assert.ok(isApp(this.page.url()), "only an app has links to us");
    return this.page.evaluate((to) => location.assign(to), String(url));
  }

  // landed waits until the person comes to the app and returns what that gets: a URL
  // with its fragment, or a Request with a form.
  async landed() {
    if (this.landings.length === 0) await this.page.waitForEvent("framenavigated", (frame) => isApp(frame.url()));
    const { url, request } = this.landings.shift();
    if (request.method() === "GET") return new URL(url);
    return new Request(url, { method: "POST", body: new URLSearchParams(request.postData()) });
  }

  // authorize goes through the pages and returns what the app gets. Somebody known
  // need not sign in.
  async authorize(url, stranger) {
    await this.goto(url);
    if (stranger) await this.signIn(stranger);
    await this.allow();
    return this.landed();
  }
}

// visit runs story with a fresh visitor: a stranger, or Ada who is known already.
export function visit(story, storageState) {
  return house.visit(browser, { storageState }, (page) => story(new Visitor(page)));
}

// sent has Ada allow a request and returns the app's answer with what checks it.
export async function sent(config, parameters = {}, build = client.buildAuthorizationUrl) {
  const { asked, checks } = await begin(parameters);
  const url = await build(config, asked);
  return { back: await visit((v) => v.authorize(url), known), checks };
}

// earned is sent, and the code redeemed.
export async function earned(config, parameters, build) {
  const { back, checks } = await sent(config, parameters, build);
  return client.authorizationCodeGrant(config, back, checks);
}

// fails awaits that work fails with an OAuth error.
export async function fails(work, error) {
  const e = await work.then(() => assert.fail(`this should fail with ${error}`), (reason) => reason);
  const told = e.error ?? (await e.response?.json())?.error;
  assert.equal(told, error, String(e.stack));
}
