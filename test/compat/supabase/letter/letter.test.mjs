// Where passwords are not taken, and a hook sends the letters.
import assert from "node:assert/strict";
import { test } from "node:test";
import { address, api, app, click, env, fails, fragment, ok, operator, password, site } from "../house.mjs";

// posted waits for the nth letter that the hook was to send to an address.
async function posted(email, n = 1) {
  for (const end = Date.now() + 8_000; Date.now() < end;) {
    const all = await (await fetch(`${env("HEADYKEY_ELSEWHERE")}/letters`)).json();
    const theirs = (all ?? []).filter((l) => [l.user.email, l.user.new_email].includes(email));
    if (theirs.length >= n) return theirs[n - 1];
    await new Promise((again) => setTimeout(again, 34));
  }
  return assert.fail(`the hook has no letter to ${email}`);
}

test("a letter is the way in, and a password is none", async () => {
  const email = address(), client = app();
  await fails(client.signUp({ email, password }), "email_provider_disabled", 400);
  await fails(client.signInWithPassword({ email, password }), "email_provider_disabled", 422);
  await fails(client.signInAnonymously(), "anonymous_provider_disabled", 422);
  await ok(client.signInWithOtp({ email, options: { emailRedirectTo: `${site}/in` } }));
  const { user, email_data: data } = await posted(email);
  assert.deepEqual([user.email, data.email_action_type, data.redirect_to], [email, "signup", `${site}/in`]);
  const { user: back } = await ok(client.verifyOtp({ type: "email", email, token: data.token }));
  assert.equal(back.id, user.id);
});

test("a hook makes the link of a letter itself", async () => {
  const email = address();
  await ok(operator().createUser({ email, email_confirm: true }));
  await ok(app().signInWithOtp({ email, options: { emailRedirectTo: `${site}/in` } }));
  const { email_data: data } = await posted(email);
  assert.equal(data.email_action_type, "magiclink");
  const at = await click(`${api}/verify?${new URLSearchParams({ token: data.token_hash, type: data.email_action_type, redirect_to: data.redirect_to })}`);
  assert.equal(at.pathname, "/in");
  assert.equal((await ok(app().getUser(fragment(at).access_token))).user.email, email);
});

test("a hook gets the proofs of both letters of a change of address", async () => {
  const email = address(), next = address(), client = app();
  await ok(client.signInWithOtp({ email }));
  await ok(client.verifyOtp({ type: "email", email, token: (await posted(email)).email_data.token }));
  await ok(client.updateUser({ email: next }));
  const { user, email_data: data } = await posted(next);
  assert.deepEqual([user.email, user.new_email, data.email_action_type], [email, next, "email_change"]);
  await ok(client.verifyOtp({ type: "email_change", email, token: data.token }));
  const { user: moved } = await ok(client.verifyOtp({ type: "email_change", email: next, token: data.token_new }));
  assert.equal(moved.email, next);
});
