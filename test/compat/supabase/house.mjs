// What the scripts for Supabase's client share: apps, people, their letters and what
// they are answered.
import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import { createClient } from "@supabase/supabase-js";
import { SignJWT, importJWK } from "jose";

globalThis.crypto ??= webcrypto; // Node.js 18
globalThis.WebSocket ??= class {}; // Node.js 20 has none, and nobody here needs one

export const env = (name) => {
  assert.ok(process.env[name], `${name} is not set: run this by go test`);
  return process.env[name];
};

export const base = env("HEADYKEY_URL");
export const api = `${base}/auth/v1`;
export const site = "https://app.example"; // what letters lead to
export const password = "verdigris under brass";
export const otherPassword = "marl above the kiln";

// keys are those of the project: anon, service_role, publishable, secret.
export const keys = JSON.parse(env("HEADYKEY_PROJECT_KEYS"));

// A Store is the storage of one browser.
export class Store extends Map {
  getItem(name) { return this.get(name) ?? null; }

  setItem(name, value) { this.set(name, value); }

  removeItem(name) { this.delete(name); }
}

// app makes a client as an app does. It refreshes nothing by itself.
export function app(auth = {}, key = keys.anon, more = {}) {
  return createClient(base, key, { auth: { autoRefreshToken: false, storage: new Store(), ...auth }, ...more }).auth;
}

// operator is the API for those who hold the secret key.
export const operator = (key = keys.service_role) => app({ persistSession: false }, key).admin;

let people = 0;

// address is one that nobody had before.
export const address = (name = "person") => `${name}-${process.pid}-${++people}@example.com`;

// ok returns the data of an answer that must have no error.
export async function ok(answer) {
  const { data, error } = await answer;
  if (error) assert.fail(`${error.name} ${error.status} ${error.code}: ${error.message}`);
  return data;
}

// fails awaits an answer with an error of this code and status, and returns the error.
export async function fails(answer, code, status) {
  const { error } = await answer;
  assert.ok(error, `this should fail with ${code}`);
  assert.deepEqual({ code: error.code, status: error.status }, { code, status }, `${error.name}: ${error.message}`);
  return error;
}

const read = new Map(); // how many letters to an address were read

// letters returns all letters to an address, the oldest first.
async function letters(to) {
  const answer = await fetch(`${base}/mailbox.json?to=${encodeURIComponent(to)}`);
  return (await answer.json()).reverse();
}

// letter waits for the next letter to an address, and finds its link and its code.
export async function letter(to) {
  const n = read.get(to) ?? 0;
  for (const end = Date.now() + 21_000; Date.now() < end;) {
    const all = await letters(to);
    if (all.length > n) {
      read.set(to, n + 1);
      const { subject, text } = all[n];
      const link = text.match(/^https?:\/\/\S+$/m)?.[0];
      return { subject, text, link, code: text.match(/^Code: (\d{6})$/m)?.[1], token: link && new URL(link).searchParams.get("token") };
    }
    await new Promise((again) => setTimeout(again, 34));
  }
  return assert.fail(`no letter came to ${to}`);
}

// silence is that nothing more came to an address by the time a letter to another did.
export async function silence(to) {
  const other = address("canary");
  await ok(app().signInWithOtp({ email: other }));
  await letter(other);
  assert.equal((await letters(to)).length, read.get(to) ?? 0, `nothing more may come to ${to}`);
}

// click opens the link of a letter and presses the button of its page, and returns
// where the browser goes.
export async function click(link) {
  const page = await fetch(link, { redirect: "manual" });
  assert.equal(page.status, 200, await page.clone().text());
  const html = await page.text();
  const form = new URLSearchParams();
  for (const [input] of html.matchAll(/<input type="hidden"[^>]*>/g)) {
    const of = (name) => unescape(input.match(new RegExp(` ${name}="([^"]*)"`))?.[1] ?? "");
    form.set(of("name"), of("value"));
  }
  const action = unescape(html.match(/<form[^>]* action="([^"]*)"/)[1]);
  const cookie = page.headers.getSetCookie().map((c) => c.split(";")[0]).join("; ");
  const answer = await fetch(new URL(action, link), {
    method: "POST", body: form, redirect: "manual", headers: { cookie, origin: base },
  });
  assert.equal(answer.status, 303, await answer.text());
  return new URL(answer.headers.get("location"));
}

const unescape = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&#34;", '"')
  .replaceAll("&#39;", "'").replaceAll("&#43;", "+").replaceAll("&amp;", "&");

// fragment is what an address says behind its #.
export const fragment = (url) => Object.fromEntries(new URLSearchParams(url.hash.slice(1)));

// claims is what a token says, unverified.
export const claims = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url"));

// heard lists the events of a client from now on.
export function heard(client) {
  const events = [];
  client.onAuthStateChange((event) => { events.push(event); });
  return events;
}

// confirmed is somebody who has signed up and answered the letter, with an app of
// their own.
export async function confirmed(email = address(), options = {}, auth = {}) {
  const client = app(auth);
  await ok(client.signUp({ email, password, options }));
  const { code } = await letter(email);
  const { user, session } = await ok(client.verifyOtp({ type: "email", email, token: code }));
  return { email, client, user, session };
}

// The issuer that the server was told of, under the name of Google.
export const issuer = process.env.HEADYKEY_ELSEWHERE, issuerClient = process.env.HEADYKEY_ELSEWHERE_CLIENT;

// idToken is what the issuer says of somebody.
export async function idToken(said = {}) {
  const key = JSON.parse(env("HEADYKEY_ELSEWHERE_KEY"));
  return new SignJWT({ sub: address("sub"), iss: issuer, aud: issuerClient, email_verified: true, ...said })
    .setProtectedHeader({ alg: key.alg, kid: key.kid }).setIssuedAt(said.iat).setExpirationTime(said.exp ?? "1h")
    .sign(await importJWK(key));
}
