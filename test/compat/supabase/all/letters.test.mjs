// Letters: links and codes to sign in by, to recover by and to prove oneself by.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  address, app, claims, click, confirmed, fails, fragment, heard, letter, ok, otherPassword, password, silence, site,
} from "../house.mjs";

test("a stranger who signs in by letter gets an account", async () => {
  const email = address(), client = app();
  await ok(client.signInWithOtp({ email, options: { data: { first_name: "Ada" } } }));
  const { code } = await letter(email);
  const { user } = await ok(client.verifyOtp({ type: "email", email, token: code }));
  assert.deepEqual([user.email, user.user_metadata.first_name], [email, "Ada"]);
});

test("who is known signs in by code, once", async () => {
  const { email, user } = await confirmed();
  const client = app();
  await ok(client.signInWithOtp({ email }));
  const { code } = await letter(email);
  const wrong = code === "123456" ? "654321" : "123456";
  await fails(client.verifyOtp({ type: "email", email, token: wrong }), "otp_expired", 403);
  await fails(client.verifyOtp({ type: "recovery", email, token: code }), "otp_expired", 403);
  await fails(client.verifyOtp({ type: "email", email: address(), token: code }), "otp_expired", 403);
  const { user: back, session } = await ok(client.verifyOtp({ type: "email", email, token: code }));
  assert.equal(back.id, user.id);
  assert.equal(claims(session.access_token).amr[0].method, "otp");
  await fails(client.verifyOtp({ type: "email", email, token: code }), "otp_expired", 403);
});

test("the newest letter counts", async () => {
  const { email, client } = await confirmed();
  await ok(client.signInWithOtp({ email }));
  const old = await letter(email);
  await ok(client.signInWithOtp({ email }));
  const fresh = await letter(email);
  await fails(client.verifyOtp({ type: "magiclink", token_hash: old.token }), "otp_expired", 403);
  await ok(client.verifyOtp({ type: "magiclink", token_hash: fresh.token }));
});

test("five wrong codes are enough", async () => {
  const { email, client } = await confirmed();
  await ok(client.signInWithOtp({ email }));
  const { code } = await letter(email);
  for (let i = 0; i < 5; i++) {
    const guess = String((Number(code) + i + 1) % 1_000_000).padStart(6, "0");
    await fails(client.verifyOtp({ type: "email", email, token: guess }), "otp_expired", 403);
  }
  await fails(client.verifyOtp({ type: "email", email, token: code }), "otp_expired", 403);
});

test("who wants no new account gets none, and nobody learns that there was none", async () => {
  const email = address();
  await ok(app().signInWithOtp({ email, options: { shouldCreateUser: false } }));
  await silence(email);
});

test("what is no request for a letter is refused", async () => {
  const client = app();
  await fails(client.signInWithOtp({ email: "" }), "validation_failed", 400);
  await fails(client.signInWithOtp({ email: "ada at example" }), "validation_failed", 400);
  await fails(client.signInWithOtp({ phone: "4915112345678" }), "phone_provider_disabled", 400);
  await fails(client.resetPasswordForEmail(""), "validation_failed", 400);
  await fails(client.resend({ type: "recovery", email: address() }), "validation_failed", 400);
  await fails(client.resend({ type: "sms", phone: "4915112345678" }), "phone_provider_disabled", 400);
  await fails(client.verifyOtp({ type: "telegram", email: address(), token: "123456" }), "validation_failed", 400);
  await fails(client.verifyOtp({ type: "email", email: address() }), "validation_failed", 400);
  await fails(client.verifyOtp({ type: "sms", phone: "4915112345678", token: "123456" }), "phone_provider_disabled", 400);
  await fails(client.verifyOtp({ type: "email", token_hash: "0".repeat(56), email: address() }), "validation_failed", 400);
  await fails(client.verifyOtp({ type: "email", token_hash: "0".repeat(56) }), "otp_expired", 403);
});

test("a link leads to the app with a session behind the #", async () => {
  const { email, user } = await confirmed();
  await ok(app().signInWithOtp({ email, options: { emailRedirectTo: `${site}/welcome?from=letter` } }));
  const { link } = await letter(email);
  const at = await click(link);
  assert.equal(at.origin + at.pathname + at.search, `${site}/welcome?from=letter`);
  const said = fragment(at);
  assert.deepEqual([said.token_type, said.type, said.expires_in, said.sb], ["bearer", "magiclink", "3600", ""]);
  const client = app();
  const set = await ok(client.setSession({ access_token: said.access_token, refresh_token: said.refresh_token }));
  assert.equal(set.user.id, user.id);
  await ok(client.refreshSession());
  const again = await click(link);
  for (const where of [fragment(again), Object.fromEntries(again.searchParams)]) {
    assert.deepEqual([where.error, where.error_code, where.access_token], ["access_denied", "otp_expired", undefined]);
    assert.ok(where.error_description);
  }
});

test("what scans mail spends nothing", async () => {
  const { email } = await confirmed();
  await ok(app().signInWithOtp({ email }));
  const { link, token } = await letter(email);
  for (const method of ["GET", "HEAD", "GET"]) {
    const answer = await fetch(link, { method, redirect: "manual" });
    assert.equal(answer.status, 200);
  }
  await ok(app().verifyOtp({ type: "email", token_hash: token }));
});

for (const target of ["https://stranger.example/x", "https://app.example.stranger.example", "https://app.example@stranger.example",
  "//stranger.example", "javascript:alert(1)", "http://app.example/", "https://app.example:8443/", "https://a.b.preview.example/",
  "https://preview.example/", "com.example.app://login/further", "com.example.app:login"]) {
  test(`a letter leads to the site, not to ${target}`, async () => {
    const { email } = await confirmed();
    await ok(app().signInWithOtp({ email, options: { emailRedirectTo: target } }));
    const { link } = await letter(email);
    const forged = new URL(link);
    forged.searchParams.set("redirect_to", target);
    const at = await click(forged.href);
    assert.deepEqual([at.origin, at.pathname], [site, "/"]);
  });
}

for (const target of ["com.example.app://login", "https://tide.preview.example/a/b?c=d"]) {
  test(`a letter leads to what is listed: ${target}`, async () => {
    const { email } = await confirmed();
    await ok(app().signInWithOtp({ email, options: { emailRedirectTo: target } }));
    const at = await click((await letter(email)).link);
    assert.equal(at.href.split("#")[0], target);
    assert.ok(fragment(at).access_token);
  });
}

test("of those who use one letter at once, one comes in", async () => {
  const { email } = await confirmed();
  for (const proof of ["token_hash", "token"]) {
    await ok(app().signInWithOtp({ email }));
    const { code, token } = await letter(email);
    const shown = proof === "token" ? { type: "email", email, token: code } : { type: "email", token_hash: token };
    const answers = await Promise.all(Array.from({ length: 5 }, () => app().verifyOtp(shown)));
    assert.deepEqual(answers.map((a) => a.error?.code ?? "in").sort(), ["in", "otp_expired", "otp_expired", "otp_expired", "otp_expired"]);
  }
});

test("a forgotten password is chosen anew", async () => {
  const { email } = await confirmed();
  const client = app(), events = heard(client);
  await ok(client.resetPasswordForEmail(email));
  const { token } = await letter(email);
  const { session, user } = await ok(client.verifyOtp({ type: "recovery", token_hash: token }));
  assert.ok(session && user.recovery_sent_at);
  await ok(client.updateUser({ password: otherPassword }));
  assert.deepEqual(events, ["INITIAL_SESSION", "PASSWORD_RECOVERY", "USER_UPDATED"]);
  await ok(app().signInWithPassword({ email, password: otherPassword }));
  await fails(app().signInWithPassword({ email, password }), "invalid_credentials", 400);
});

test("nobody's password can be asked for like anybody's", async () => {
  const email = address();
  await ok(app().resetPasswordForEmail(email));
  await silence(email);
});

test("who recovers before confirming has confirmed, too", async () => {
  const email = address();
  await ok(app().signUp({ email, password }));
  await letter(email);
  await ok(app().resetPasswordForEmail(email));
  const { code } = await letter(email);
  const { user } = await ok(app().verifyOtp({ type: "recovery", email, token: code }));
  assert.ok(user.email_confirmed_at);
});

test("the letter of a sign-up comes again, until it was answered", async () => {
  const email = address(), client = app();
  await ok(client.signUp({ email, password }));
  const first = await letter(email);
  await ok(client.resend({ type: "signup", email }));
  const second = await letter(email);
  assert.notEqual(second.token, first.token);
  await ok(client.verifyOtp({ type: "signup", email, token: second.code }));
  await ok(client.resend({ type: "signup", email }));
  await silence(email);
});

test("a code that proves somebody anew is good for nothing else", async () => {
  const { email, client } = await confirmed();
  await ok(client.reauthenticate());
  const { code, link } = await letter(email);
  assert.equal(link, undefined, "there is nothing to click");
  for (const type of ["email", "magiclink", "recovery", "signup"]) {
    await fails(client.verifyOtp({ type, email, token: code }), "otp_expired", 403);
  }
  await fails(client.verifyOtp({ type: "reauthentication", email, token: code }), "validation_failed", 400);
  await ok(client.updateUser({ password: otherPassword, nonce: code }));
  await ok(app().signInWithPassword({ email, password: otherPassword }));
});
