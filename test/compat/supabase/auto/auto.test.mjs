// Where addresses need not be confirmed, and little else is switched on.
import assert from "node:assert/strict";
import { test } from "node:test";
import { address, api, app, claims, fails, heard, keys, letter, ok, operator, otherPassword, password, silence, site } from "../house.mjs";

// joined is somebody new, with an app of their own.
async function joined() {
  const email = address(), client = app();
  const { user, session } = await ok(client.signUp({ email, password }));
  return { email, client, user, session };
}

test("who signs up is in", async () => {
  const email = address(), client = app(), events = heard(client);
  const { user, session } = await ok(client.signUp({ email, password, options: { data: { name: "Ada" } } }));
  assert.ok(session.access_token && session.refresh_token && user.email_confirmed_at && user.last_sign_in_at);
  assert.deepEqual([user.user_metadata.name, claims(session.access_token).amr[0].method], ["Ada", "password"]);
  assert.deepEqual(events, ["INITIAL_SESSION", "SIGNED_IN"]);
  await ok(app().signInWithPassword({ email, password }));
  await silence(email);
});

test("an address that is taken is taken", async () => {
  const { email } = await joined();
  await fails(app().signUp({ email, password: otherPassword }), "user_already_exists", 422);
});

test("a letter signs strangers in, too", async () => {
  const email = address(), client = app();
  await ok(client.signInWithOtp({ email }));
  const { token } = await letter(email);
  const { user } = await ok(client.verifyOtp({ type: "email", token_hash: token }));
  assert.equal(user.email, email);
});

test("an address changes by one letter, to the new one", async () => {
  const { email, client, user } = await joined(), next = address();
  assert.equal((await ok(client.updateUser({ email: next }))).user.new_email, next);
  const { code } = await letter(next);
  const { user: moved } = await ok(client.verifyOtp({ type: "email_change", email: next, token: code }));
  assert.deepEqual([moved.id, moved.email], [user.id, next]);
  await silence(email);
});

test("who begins without an address gives one, and it counts at once", async () => {
  const client = app(), email = address();
  const { user } = await ok(client.signInAnonymously());
  const { user: grown } = await ok(client.updateUser({ email, password }));
  assert.deepEqual([grown.id, grown.email, grown.is_anonymous], [user.id, email, false]);
  assert.equal((await ok(app().signInWithPassword({ email, password }))).user.id, user.id);
});

test("a new password needs the one before, where that is demanded", async () => {
  const { client } = await joined();
  await fails(client.updateUser({ password: otherPassword }), "current_password_required", 400);
  await fails(client.updateUser({ password: otherPassword, current_password: "not that one" }), "current_password_invalid", 400);
  await ok(client.updateUser({ password: otherPassword, current_password: password }));
});

test("what is switched off says so", async () => {
  const web3 = { chain: "ethereum", message: "m".repeat(89), signature: `0x${"0".repeat(130)}` };
  await fails(app().signInWithWeb3(web3), "web3_provider_disabled", 422);
  const { error } = await app().signInWithIdToken({ provider: "google", token: "a.b.c" });
  assert.equal(error.status, 400);
  const answer = await fetch(`${api}/oauth/clients/register`, { method: "POST", body: JSON.stringify({ redirect_uris: [site] }) });
  assert.deepEqual([answer.status, (await answer.json()).error_code], [403, "oauth_dynamic_client_registration_disabled"]);
});

test("the settings tell apps so", async () => {
  const settings = await (await fetch(`${api}/settings`, { headers: { apikey: keys.publishable } })).json();
  assert.deepEqual([settings.mailer_autoconfirm, settings.external.anonymous_users, settings.external.google], [true, true, false]);
});

test("an operator's accounts need no confirmation either", async () => {
  const email = address();
  await ok(operator().createUser({ email, password }));
  await ok(app().signInWithPassword({ email, password }));
});

test("without a consent page of the app's own, people meet ours", async () => {
  const client = await ok(operator().oauth.createClient({ client_name: "Weather", redirect_uris: ["https://client.example/cb"] }));
  const query = new URLSearchParams({
    client_id: client.client_id, redirect_uri: "https://client.example/cb", response_type: "code", scope: "openid",
    code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", code_challenge_method: "S256",
  });
  const page = await fetch(`${api}/oauth/authorize?${query}`);
  assert.equal(page.status, 200);
  assert.match(await page.text(), /· HeadyKey<\/title>/);
});
