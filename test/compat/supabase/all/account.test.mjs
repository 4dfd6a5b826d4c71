// What people change of their own account.
import assert from "node:assert/strict";
import { test } from "node:test";
import { address, app, click, confirmed, fails, fragment, heard, letter, ok, otherPassword, password, silence, site } from "../house.mjs";

test("data is merged member by member, and null takes one away", async () => {
  const { client, user } = await confirmed(address(), { data: { color: "blue", size: 3, nested: { a: 1, b: 2 } } });
  const events = heard(client);
  const { user: next } = await ok(client.updateUser({ data: { color: null, nested: { c: 3 }, new: true } }));
  const { email_verified: _, email: __, phone_verified: ___, sub: ____, ...own } = next.user_metadata;
  assert.deepEqual(own, { size: 3, nested: { c: 3 }, new: true });
  assert.ok(next.updated_at > user.updated_at);
  assert.equal(events.at(-1), "USER_UPDATED");
  assert.deepEqual((await ok(client.getUser())).user.user_metadata, next.user_metadata);
});

test("only the app's operator changes what the app says of somebody", async () => {
  const { client } = await confirmed();
  await fails(client.updateUser({ app_metadata: { plan: "gold" } }), "not_admin", 403);
  await fails(client.updateUser({ phone: "4915112345678" }), "phone_provider_disabled", 422);
});

test("a new password ends all other sessions", async () => {
  const { email, client } = await confirmed();
  const other = app();
  await ok(other.signInWithPassword({ email, password }));
  await fails(client.updateUser({ password }), "same_password", 422);
  const weak = await fails(client.updateUser({ password: "zq7#w" }), "weak_password", 422);
  assert.deepEqual(weak.reasons, ["length"]);
  await ok(client.updateUser({ password: otherPassword }));
  await ok(client.getUser());
  assert.equal((await other.getUser()).error.name, "AuthSessionMissingError");
  await fails(other.signInWithPassword({ email, password }), "invalid_credentials", 400);
  await ok(other.signInWithPassword({ email, password: otherPassword }));
});

test("the password before is checked where it is given", async () => {
  const { client } = await confirmed();
  await fails(client.updateUser({ password: otherPassword, current_password: "not that one" }), "current_password_invalid", 400);
  await ok(client.updateUser({ password: otherPassword, current_password: password }));
});

for (const [order, name] of [[[0, 1], "the old address first"], [[1, 0], "the new address first"]]) {
  test(`an address changes by the codes of both letters: ${name}`, async () => {
    const { email, client, user } = await confirmed(), next = address();
    const asked = await ok(client.updateUser({ email: next }));
    assert.deepEqual([asked.user.email, asked.user.new_email], [email, next]);
    assert.ok(asked.user.email_change_sent_at);
    const letters = [[email, (await letter(email)).code], [next, (await letter(next)).code]];
    const [first, second] = order.map((i) => letters[i]);
    const half = await ok(client.verifyOtp({ type: "email_change", email: first[0], token: first[1] }));
    assert.deepEqual(half, { user: null, session: null });
    assert.equal((await ok(client.getUser())).user.email, email, "nothing has changed yet");
    await fails(client.verifyOtp({ type: "email_change", email: first[0], token: first[1] }), "otp_expired", 403);
    const { user: moved } = await ok(client.verifyOtp({ type: "email_change", email: second[0], token: second[1] }));
    assert.deepEqual([moved.id, moved.email, moved.new_email], [user.id, next, undefined]);
    assert.equal(moved.identities[0].identity_data.email, next);
    await fails(app().signInWithPassword({ email, password }), "invalid_credentials", 400);
    await ok(app().signInWithPassword({ email: next, password }));
  });

  test(`an address changes by the links of both letters: ${name}`, async () => {
    const { email, client } = await confirmed(), next = address();
    await ok(client.updateUser({ email: next }, { emailRedirectTo: `${site}/moved` }));
    const letters = [await letter(email), await letter(next)];
    const half = await click(letters[order[0]].link);
    assert.equal(half.pathname, "/moved");
    assert.match(fragment(half).message, /confirm link sent to the other email/);
    const done = fragment(await click(letters[order[1]].link));
    assert.equal(done.type, "email_change");
    const { user } = await ok(app().getUser(done.access_token));
    assert.equal(user.email, next);
  });
}

test("the letters of a change come again, and the first ones do not count any more", async () => {
  const { email, client } = await confirmed(), next = address();
  await ok(client.updateUser({ email: next }));
  const old = [await letter(email), await letter(next)];
  await ok(client.resend({ type: "email_change", email: next }));
  const fresh = [await letter(email), await letter(next)];
  await fails(client.verifyOtp({ type: "email_change", token_hash: old[0].token }), "otp_expired", 403);
  await fails(client.verifyOtp({ type: "email_change", token_hash: old[1].token }), "otp_expired", 403);
  await ok(client.verifyOtp({ type: "email_change", token_hash: fresh[0].token }));
  const { user } = await ok(client.verifyOtp({ type: "email_change", token_hash: fresh[1].token }));
  assert.equal(user.email, next);
});

test("who gives the address that they have changes nothing", async () => {
  const { email, client } = await confirmed();
  assert.equal((await ok(client.updateUser({ email }))).user.new_email, undefined);
  await silence(email);
});

test("somebody else's address cannot be had", async () => {
  const { email } = await confirmed();
  const { client } = await confirmed();
  await fails(client.updateUser({ email }), "email_exists", 422);
  await silence(email);
});

test("an account has the identity that is its address, and keeps it", async () => {
  const { email, client, user } = await confirmed();
  const { identities } = await ok(client.getUserIdentities());
  assert.equal(identities.length, 1);
  const [one] = identities;
  assert.deepEqual([one.id, one.user_id, one.provider, one.email, one.identity_data.sub, one.identity_data.email_verified],
    [user.id, user.id, "email", email, user.id, true]);
  await fails(client.unlinkIdentity(one), "single_identity_not_deletable", 422);
  await fails(client.linkIdentity({ provider: "github" }), "manual_linking_disabled", 404);
});

test("nobody without a session changes anything", async () => {
  const { error } = await app().updateUser({ data: { a: 1 } });
  assert.equal(error.name, "AuthSessionMissingError");
});
