// What the holder of the secret key does for others.
import assert from "node:assert/strict";
import { test } from "node:test";
import { address, api, app, claims, click, confirmed, fails, fragment, keys, letter, ok, operator, otherPassword, password, silence, site } from "../house.mjs";

const admin = operator();
const nobody = "34d5f2a8-1597-4c6c-9e32-2b4c8d0d8f55";

// made is somebody whom an operator has made.
async function made(more = {}) {
  const email = address();
  const { user } = await ok(admin.createUser({ email, password, email_confirm: true, ...more }));
  return { email, user };
}

test("an operator makes an account, and its owner signs in", async () => {
  const { email, user } = await made({ user_metadata: { name: "Ada" }, app_metadata: { plan: "gold" } });
  assert.deepEqual([user.email, user.role, user.user_metadata.name, user.app_metadata.plan], [email, "authenticated", "Ada", "gold"]);
  assert.ok(user.email_confirmed_at);
  const { session } = await ok(app().signInWithPassword({ email, password }));
  assert.deepEqual(claims(session.access_token).app_metadata, { plan: "gold", provider: "email", providers: ["email"] });
  await fails(admin.createUser({ email, password }), "email_exists", 422);
  await silence(email);
});

test("an operator chooses what people may not", async () => {
  const weak = address(), id = crypto.randomUUID(), hashed = address();
  const { user } = await ok(admin.createUser({ email: weak, password: "weak", id }));
  assert.equal(user.id, id);
  await fails(app().signInWithPassword({ email: weak, password: "weak" }), "email_not_confirmed", 400);
  await ok(admin.updateUserById(id, { email_confirm: true }));
  const { user: back, weakPassword } = await ok(app().signInWithPassword({ email: weak, password: "weak" }));
  assert.equal(back.id, id);
  assert.ok(weakPassword.reasons.includes("length"), "and they hear that it is weak");
  await ok(admin.createUser({ email: hashed, email_confirm: true, password_hash: "$2a$06$9sw/QWaPgzo/gr/upcyDyOTN/BD68Dl453m.5JfW9Zp3VBQgojKum" }));
  await ok(app().signInWithPassword({ email: hashed, password }));
  await fails(app().signInWithPassword({ email: hashed, password: otherPassword }), "invalid_credentials", 400);
});

test("what is no account is not made", async () => {
  await fails(admin.createUser({}), "validation_failed", 400);
  await fails(admin.createUser({ email: "ada at example" }), "validation_failed", 400);
  await fails(admin.createUser({ email: address(), id: "seven" }), "validation_failed", 400);
  await fails(admin.createUser({ email: address(), password, password_hash: "$2a$06$9sw/QWaPgzo/gr/upcyDyOTN/BD68Dl453m.5JfW9Zp3VBQgojKum" }), "validation_failed", 400);
  await fails(admin.createUser({ email: address(), password_hash: "md5:abc" }), "validation_failed", 400);
  await fails(admin.createUser({ email: address(), ban_duration: "a while" }), "validation_failed", 400);
});

test("accounts are listed by pages, the newest first", async () => {
  for (let i = 0; i < 3; i++) await made();
  const first = await ok(admin.listUsers({ page: 1, perPage: 2 }));
  assert.equal(first.users.length, 2);
  assert.ok(first.total >= 3 && first.lastPage >= 2);
  assert.equal(first.nextPage, 2);
  assert.equal(first.aud, "authenticated");
  assert.ok(first.users[0].created_at >= first.users[1].created_at);
  const all = await ok(admin.listUsers({ page: 1, perPage: 1000 }));
  assert.equal(all.nextPage, null);
  assert.ok(all.users.length >= 3);
});

test("an account is found by its id", async () => {
  const { user } = await made();
  assert.equal((await ok(admin.getUserById(user.id))).user.email, user.email);
  await fails(admin.getUserById(nobody), "user_not_found", 404);
});

test("an operator changes an account, and that counts at once", async () => {
  const { email, user } = await made({ user_metadata: { a: 1, b: 2 }, app_metadata: { plan: "gold", seats: 3 } });
  const ada = app();
  await ok(ada.signInWithPassword({ email, password }));
  const { user: next } = await ok(admin.updateUserById(user.id, {
    user_metadata: { b: null, c: 3 }, app_metadata: { plan: "tin", seats: null }, role: "editor",
  }));
  assert.deepEqual([next.user_metadata.a, next.user_metadata.b, next.user_metadata.c, next.role], [1, undefined, 3, "editor"]);
  assert.deepEqual(next.app_metadata, { plan: "tin", provider: "email", providers: ["email"] });
  assert.equal((await ok(ada.getUser())).user.app_metadata.plan, "tin");
  const { session } = await ok(ada.refreshSession());
  assert.equal(claims(session.access_token).role, "editor");
  const moved = address();
  assert.equal((await ok(admin.updateUserById(user.id, { email: moved, email_confirm: true }))).user.email, moved);
  await ok(admin.updateUserById(user.id, { password: otherPassword }));
  assert.equal((await ada.getUser()).error.name, "AuthSessionMissingError", "a new password ends all sessions");
  await ok(app().signInWithPassword({ email: moved, password: otherPassword }));
  const { email: taken } = await made();
  await fails(admin.updateUserById(user.id, { email: taken }), "email_exists", 422);
  await fails(admin.updateUserById(nobody, { role: "x" }), "user_not_found", 404);
});

test("who is banned stays out until the ban is lifted", async () => {
  const { email, user } = await made();
  const ada = app();
  const { session } = await ok(ada.signInWithPassword({ email, password }));
  const { user: banned } = await ok(admin.updateUserById(user.id, { ban_duration: "24h" }));
  assert.ok(Math.abs(Date.parse(banned.banned_until) - Date.now() - 86_400_000) < 60_000);
  await fails(app().getUser(session.access_token), "user_banned", 403);
  await fails(app().signInWithPassword({ email, password }), "user_banned", 400);
  await fails(app().signInWithPassword({ email, password: otherPassword }), "invalid_credentials", 400);
  const refused = await app().refreshSession({ refresh_token: session.refresh_token });
  assert.equal(refused.error.status, 400);
  const { user: free } = await ok(admin.updateUserById(user.id, { ban_duration: "none" }));
  assert.equal(free.banned_until, undefined);
  await ok(app().signInWithPassword({ email, password }));
});

test("a ban ends by itself", async () => {
  const { email, user } = await made();
  await ok(admin.updateUserById(user.id, { ban_duration: "1s" }));
  await fails(app().signInWithPassword({ email, password }), "user_banned", 400);
  for (const end = Date.now() + 13_000; ;) {
    const { error } = await app().signInWithPassword({ email, password });
    if (!error) break;
    assert.equal(error.code, "user_banned");
    assert.ok(Date.now() < end, "the ban does not end");
    await new Promise((again) => setTimeout(again, 233));
  }
});

test("who is deleted is gone, and the address is free", async () => {
  const { email, user } = await made();
  const { session } = await ok(app().signInWithPassword({ email, password }));
  assert.equal((await ok(admin.deleteUser(user.id))).user.id, user.id);
  await fails(admin.getUserById(user.id), "user_not_found", 404);
  const { error } = await app().getUser(session.access_token);
  assert.ok(error.code === "user_not_found" || error.name === "AuthSessionMissingError", String(error));
  await fails(app().signInWithPassword({ email, password }), "invalid_credentials", 400);
  const { user: next } = await ok(admin.createUser({ email, password }));
  assert.notEqual(next.id, user.id);
  await fails(admin.deleteUser(user.id), "user_not_found", 404);
});

test("who is deleted softly leaves a trace without a name", async () => {
  const { email, user } = await made();
  const { session } = await ok(app().signInWithPassword({ email, password }));
  await ok(admin.deleteUser(user.id, true));
  const { user: trace } = await ok(admin.getUserById(user.id));
  assert.ok(trace.deleted_at);
  assert.ok(!JSON.stringify(trace).includes(email), "nothing says who it was");
  assert.ok((await app().getUser(session.access_token)).error);
  await fails(app().signInWithPassword({ email, password }), "invalid_credentials", 400);
  await ok(admin.createUser({ email, password }));
});

test("who is invited answers the letter, and is in", async () => {
  const email = address();
  const { user } = await ok(admin.inviteUserByEmail(email, { data: { team: "tide" }, redirectTo: `${site}/welcome` }));
  assert.ok(user.invited_at);
  assert.equal(user.user_metadata.team, "tide");
  const { token, link } = await letter(email);
  assert.equal(new URL(link).searchParams.get("redirect_to"), `${site}/welcome`);
  const ada = app();
  const { user: back } = await ok(ada.verifyOtp({ type: "invite", token_hash: token }));
  assert.equal(back.id, user.id);
  assert.ok(back.email_confirmed_at);
  await ok(ada.updateUser({ password }));
  await ok(app().signInWithPassword({ email, password }));
  await fails(admin.inviteUserByEmail(email), "email_exists", 422);
});

const links = {
  signup: () => ({ type: "signup", email: address(), password, options: { data: { color: "blue" } } }),
  invite: () => ({ type: "invite", email: address(), options: { data: { color: "blue" } } }),
  "magiclink for nobody yet": () => ({ type: "magiclink", email: address() }),
  magiclink: async () => ({ type: "magiclink", email: (await made()).email }),
  recovery: async () => ({ type: "recovery", email: (await made()).email }),
};

for (const [name, wish] of Object.entries(links)) {
  test(`an operator gets the link and the code of a letter, and no letter goes out: ${name}`, async () => {
    const params = await wish();
    params.options = { ...params.options, redirectTo: `${site}/here` };
    const { properties: p, user } = await ok(admin.generateLink(params));
    assert.equal(user.email, params.email);
    assert.equal(p.verification_type, name === "magiclink for nobody yet" ? "signup" : params.type);
    assert.equal(p.redirect_to, `${site}/here`);
    assert.match(p.email_otp, /^\d{6,10}$/);
    const link = new URL(p.action_link);
    assert.deepEqual([link.origin + link.pathname, link.searchParams.get("token"), link.searchParams.get("type")],
      [`${api}/verify`, p.hashed_token, p.verification_type]);
    const { user: back } = await ok(app().verifyOtp({ type: p.verification_type, token_hash: p.hashed_token }));
    assert.equal(back.id, user.id);
    await silence(params.email);
  });
}

test("the link of an operator can be clicked, and its code typed", async () => {
  const { email, user } = await made();
  const { properties: first } = await ok(admin.generateLink({ type: "magiclink", email }));
  const at = await click(first.action_link);
  assert.equal((await ok(app().getUser(fragment(at).access_token))).user.id, user.id);
  const { properties: second } = await ok(admin.generateLink({ type: "recovery", email }));
  await ok(app().verifyOtp({ type: "recovery", email, token: second.email_otp }));
});

test("an operator gets both links of a change of address", async () => {
  const { email, user } = await made(), newEmail = address();
  const { properties: p } = await ok(admin.generateLink({ type: "email_change_current", email, newEmail }));
  const { properties: q } = await ok(admin.generateLink({ type: "email_change_new", email, newEmail }));
  const half = await ok(app().verifyOtp({ type: "email_change", token_hash: p.hashed_token }));
  const { user: moved } = await ok(app().verifyOtp({ type: "email_change", token_hash: q.hashed_token }));
  assert.deepEqual([half.session, moved?.id, moved?.email], [null, user.id, newEmail]);
  await silence(email);
  await silence(newEmail);
});

test("no link leads to a stranger", async () => {
  const { email } = await made();
  const { properties } = await ok(admin.generateLink({ type: "magiclink", email, options: { redirectTo: "https://stranger.example/" } }));
  assert.equal(new URL(new URL(properties.action_link).searchParams.get("redirect_to")).origin, site);
});

test("no link is made for whom it cannot be for", async () => {
  const { email } = await made();
  await fails(admin.generateLink({ type: "recovery", email: address() }), "user_not_found", 404);
  await fails(admin.generateLink({ type: "email_change_new", email: address(), newEmail: address() }), "user_not_found", 404);
  await fails(admin.generateLink({ type: "signup", email, password }), "email_exists", 422);
  await fails(admin.generateLink({ type: "invite", email }), "email_exists", 422);
  await fails(admin.generateLink({ type: "telegram", email }), "validation_failed", 400);
});

test("an operator ends somebody's sessions by their token", async () => {
  const { client, session } = await confirmed();
  await ok(admin.signOut(session.access_token, "global"));
  assert.equal((await client.getUser()).error.name, "AuthSessionMissingError");
});

test("nobody has factors or passkeys yet", async () => {
  const { user } = await made();
  assert.deepEqual((await ok(admin.mfa.listFactors({ userId: user.id }))).factors, []);
  await fails(admin.mfa.deleteFactor({ userId: user.id, id: nobody }), "mfa_factor_not_found", 404);
  assert.deepEqual(await ok(admin.passkey.listPasskeys({ userId: user.id })), []);
  await fails(admin.passkey.deletePasskey({ userId: user.id, passkeyId: nobody }), "webauthn_credential_not_found", 404);
});

test("what was done can be read", async () => {
  const { user } = await made();
  const answer = await fetch(`${api}/admin/audit`, { headers: { apikey: keys.service_role, Authorization: `Bearer ${keys.service_role}` } });
  const acts = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(acts));
  assert.ok(acts.length > 0 && acts.every((a) => a.id && a.payload.action && a.created_at));
  assert.ok(user.id);
});

test("none of it is for who holds the open key", async () => {
  const stranger = operator(keys.publishable);
  const { user } = await made();
  for (const attempt of [
    stranger.createUser({ email: address(), password }), stranger.getUserById(user.id), stranger.updateUserById(user.id, { role: "x" }),
    stranger.deleteUser(user.id), stranger.inviteUserByEmail(address()), stranger.generateLink({ type: "magiclink", email: user.email }),
    stranger.mfa.listFactors({ userId: user.id }), stranger.customProviders.listProviders(),
  ]) await fails(attempt, "not_admin", 403);
});
