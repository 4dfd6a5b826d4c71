// Where people come by invitation alone, and letters are counted.
import assert from "node:assert/strict";
import { test } from "node:test";
import { address, api, app, fails, letter, ok, operator, password, silence } from "../house.mjs";

test("nobody makes an account of their own", async () => {
  await fails(app().signUp({ email: address(), password }), "signup_disabled", 422);
  await fails(app().signInAnonymously(), "signup_disabled", 422);
  const email = address();
  await ok(app().signInWithOtp({ email }));
  const { email: known } = await invited();
  await new Promise((wait) => setTimeout(wait, 100));
  assert.equal((await operator().listUsers({ perPage: 1000 })).data.users.some((u) => u.email === email), false);
  assert.ok(known);
});

// invited is somebody whom an operator has let in.
async function invited() {
  const email = address();
  await ok(operator().inviteUserByEmail(email));
  const { token } = await letter(email);
  const client = app();
  await ok(client.verifyOtp({ type: "invite", token_hash: token }));
  return { email, client };
}

test("who is invited is in", async () => {
  const { client } = await invited();
  await ok(client.updateUser({ password }));
});

test("one letter a minute goes to an address, whosever it is", async () => {
  for (const email of [address(), (await operator().createUser({ email: address(), email_confirm: true })).data.user.email]) {
    await ok(app().resetPasswordForEmail(email));
    await fails(app().resetPasswordForEmail(email), "over_email_send_rate_limit", 429);
    await fails(app().signInWithOtp({ email }), "over_email_send_rate_limit", 429);
  }
});

test("where no key is demanded, none is needed", async () => {
  const answer = await fetch(`${api}/settings`);
  assert.equal(answer.status, 200);
  assert.equal((await answer.json()).disable_signup, true);
});
