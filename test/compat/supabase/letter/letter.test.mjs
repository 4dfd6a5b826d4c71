// Where passwords are not taken.
import assert from "node:assert/strict";
import { test } from "node:test";
import { address, app, fails, letter, ok, password } from "../house.mjs";

test("a letter is the way in, and a password is none", async () => {
  const email = address(), client = app();
  await fails(client.signUp({ email, password }), "email_provider_disabled", 400);
  await fails(client.signInWithPassword({ email, password }), "email_provider_disabled", 422);
  await ok(client.signInWithOtp({ email }));
  const { code } = await letter(email);
  const { user } = await ok(client.verifyOtp({ type: "email", email, token: code }));
  assert.equal(user.email, email);
});
