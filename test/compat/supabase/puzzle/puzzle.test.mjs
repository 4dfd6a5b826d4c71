// Where people must prove that they are people.
import assert from "node:assert/strict";
import { test } from "node:test";
import { address, app, fails, keys, letter, ok, operator, password } from "../house.mjs";

const captchaToken = "a person";

test("who solves the puzzle comes in", async () => {
  const email = address(), client = app();
  await ok(client.signUp({ email, password, options: { captchaToken } }));
  await ok(client.refreshSession());
  await ok(client.getUser());
  await ok(client.signOut());
  await ok(client.signInWithPassword({ email, password, options: { captchaToken } }));
  await ok(client.resetPasswordForEmail(email, { captchaToken }));
  const { token } = await letter(email);
  await ok(client.verifyOtp({ type: "recovery", token_hash: token }));
});

for (const wrong of [undefined, "", "a robot"]) {
  test(`who solves it not stays out: ${JSON.stringify(wrong)}`, async () => {
    const email = address(), client = app(), options = { captchaToken: wrong };
    for (const attempt of [
      client.signUp({ email, password, options }), client.signInWithPassword({ email, password, options }),
      client.signInWithOtp({ email, options }), client.resetPasswordForEmail(email, options),
      client.resend({ type: "signup", email, options }), client.signInAnonymously({ options }),
    ]) await fails(attempt, "captcha_failed", 400);
  });
}

test("an operator's servers need not", async () => {
  const email = address();
  await ok(operator().createUser({ email, password, email_confirm: true }));
  const { user } = await ok(app({}, keys.service_role).signInWithPassword({ email, password }));
  assert.equal(user.email, email);
});
