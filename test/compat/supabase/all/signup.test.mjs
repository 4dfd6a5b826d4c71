// Sign-up where addresses are confirmed: by password, as nobody yet, as an agent.
import assert from "node:assert/strict";
import { test } from "node:test";
import { address, app, claims, confirmed, fails, heard, letter, ok, otherPassword, password, silence } from "../house.mjs";

test("a sign-up waits for its letter, whose code signs in", async () => {
  const email = address(), client = app(), events = heard(client);
  const { user, session } = await ok(client.signUp({ email, password, options: { data: { first_name: "Ada" } } }));
  assert.equal(session, null);
  assert.deepEqual([user.email, user.role, user.aud, user.is_anonymous, user.phone], [email, "authenticated", "authenticated", false, ""]);
  assert.equal(user.user_metadata.first_name, "Ada");
  assert.deepEqual(user.app_metadata, { provider: "email", providers: ["email"] });
  assert.equal(user.identities.length, 1);
  assert.ok(user.confirmation_sent_at);
  assert.equal(user.email_confirmed_at, undefined);
  await fails(client.signInWithPassword({ email, password: otherPassword }), "invalid_credentials", 400);
  await fails(client.signInWithPassword({ email, password }), "email_not_confirmed", 400);
  const { code } = await letter(email);
  const done = await ok(client.verifyOtp({ type: "signup", email, token: code }));
  assert.equal(done.user.id, user.id);
  assert.ok(done.user.email_confirmed_at && done.user.confirmed_at && done.user.last_sign_in_at);
  assert.equal(done.user.user_metadata.email_verified, true);
  assert.equal(claims(done.session.access_token).sub, user.id);
  assert.deepEqual(events, ["INITIAL_SESSION", "SIGNED_IN"]);
  await ok(client.signInWithPassword({ email, password }));
});

test("the token of the letter is enough without the address", async () => {
  const email = address(), client = app();
  await ok(client.signUp({ email, password }));
  const { token } = await letter(email);
  const { user } = await ok(client.verifyOtp({ type: "email", token_hash: token }));
  assert.equal(user.email, email);
});

test("an address that is taken looks like any other", async () => {
  const { email, user } = await confirmed();
  const { user: nobody, session } = await ok(app().signUp({ email, password: otherPassword }));
  assert.equal(session, null);
  assert.notEqual(nobody.id, user.id);
  assert.deepEqual([nobody.email, nobody.role, nobody.identities], [email, "", []]);
  const { code } = await letter(email);
  assert.equal(code, undefined, "the owner is told, and nothing is to be confirmed");
  await fails(app().signInWithPassword({ email, password: otherPassword }), "invalid_credentials", 400);
});

test("who signs up twice before the letter stays one account, and the letter used decides the password", async () => {
  const email = address();
  const first = await ok(app().signUp({ email, password }));
  await letter(email);
  const second = await ok(app().signUp({ email, password: otherPassword }));
  assert.equal(second.user.id, first.user.id);
  const { code } = await letter(email);
  await ok(app().verifyOtp({ type: "signup", email, token: code }));
  await ok(app().signInWithPassword({ email, password: otherPassword }));
  await fails(app().signInWithPassword({ email, password }), "invalid_credentials", 400);
});

test("addresses are in lower case", async () => {
  const email = address("Grace.Hopper");
  const { user } = await ok(app().signUp({ email, password }));
  assert.equal(user.email, email.toLowerCase());
});

test("what cannot be an account is refused", async () => {
  const weak = await fails(app().signUp({ email: address(), password: "zq7#w" }), "weak_password", 422);
  assert.deepEqual([weak.name, weak.reasons], ["AuthWeakPasswordError", ["length"]]);
  const common = await fails(app().signUp({ email: address(), password: "password123" }), "weak_password", 422);
  assert.deepEqual(common.reasons, ["pwned"]);
  await fails(app().signUp({ email: address(), password: "" }), "validation_failed", 400);
  await fails(app().signUp({ email: address(), password: "ab ".repeat(25) }), "validation_failed", 400);
  await fails(app().signUp({ email: "ada at example", password }), "validation_failed", 400);
  await fails(app().signUp({ email: address(), password, options: { data: { identity_type: "ghost" } } }), "validation_failed", 400);
  await fails(app().signUp({ phone: "4915112345678", password }), "phone_provider_disabled", 400);
});

test("somebody without an address becomes somebody with one, and stays who they are", async () => {
  const client = app(), email = address();
  const { user, session } = await ok(client.signInAnonymously({ options: { data: { theme: "dark" } } }));
  assert.deepEqual([user.is_anonymous, user.email, user.identities, user.app_metadata], [true, "", [], {}]);
  assert.equal(user.user_metadata.theme, "dark");
  const said = claims(session.access_token);
  assert.deepEqual([said.is_anonymous, said.role, said.email, said.amr[0].method], [true, "authenticated", "", "anonymous"]);
  await fails(client.updateUser({ password }), "validation_failed", 422);
  const asked = await ok(client.updateUser({ email }));
  assert.deepEqual([asked.user.new_email, asked.user.is_anonymous], [email, true]);
  const { code } = await letter(email);
  const grown = await ok(client.verifyOtp({ type: "email_change", email, token: code }));
  assert.deepEqual([grown.user.id, grown.user.email, grown.user.is_anonymous], [user.id, email, false]);
  assert.deepEqual(grown.user.app_metadata, { provider: "email", providers: ["email"] });
  await ok(client.updateUser({ password }));
  const back = await ok(app().signInWithPassword({ email, password }));
  assert.deepEqual([back.user.id, back.user.user_metadata.theme], [user.id, "dark"]);
});

test("an agent says that it is one, in its token, too, and stays one", async () => {
  const { client, user, session } = await confirmed(address("agent"), { data: { identity_type: "agent", agent_name: "Weather" } });
  assert.equal(claims(session.access_token).identity_type, "agent");
  assert.deepEqual([user.user_metadata.identity_type, user.user_metadata.agent_name], ["agent", "Weather"]);
  await fails(client.updateUser({ data: { identity_type: "human" } }), "validation_failed", 422);
  await ok(client.updateUser({ data: { color: "blue" } }));
  const nameless = await ok(app().signInAnonymously({ options: { data: { identity_type: "agent" } } }));
  assert.equal(claims(nameless.session.access_token).identity_type, "agent");
});

test("those who sign up at once with one address are one account", async () => {
  const email = address();
  const all = await Promise.all(Array.from({ length: 4 }, () => ok(app().signUp({ email, password }))));
  assert.equal(new Set(all.map((a) => a.user.id)).size, 1);
});

test("what people say of themselves has a measure", async () => {
  for (const data of [[1, 2], "text", 7]) {
    await fails(app().signUp({ email: address(), password, options: { data } }), "validation_failed", 400);
  }
  await fails(app().signUp({ email: address(), password, options: { data: { x: "x".repeat(2 << 20) } } }), "request_entity_too_large", 413);
  const { client } = await confirmed(address(), { data: { "ключ": "значение 🗝", __proto__: 1, deep: { a: [{ b: null }] } } });
  const { error } = await client.updateUser({ data: { x: "x".repeat(100_000) } });
  assert.ok(error === null || error.status < 500, String(error));
  await ok(client.refreshSession());
  const { user } = await ok(client.getUser());
  assert.equal(user.user_metadata["ключ"], "значение 🗝");
});

test("a letter that nobody asked for does not come", async () => {
  const email = address();
  await ok(app().resend({ type: "signup", email }));
  await silence(email);
});
