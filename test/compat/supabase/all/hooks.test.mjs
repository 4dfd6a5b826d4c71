// The operator's hooks, as an app sees what they do.
import assert from "node:assert/strict";
import { test } from "node:test";
import { address, app, claims, confirmed, env, fails, idToken, letter, ok, password, silence } from "../house.mjs";

const elsewhere = env("HEADYKEY_ELSEWHERE");

test("a hook adds to what tokens say, and they stay good", async () => {
  const { client, session } = await confirmed(address(), { data: { plan: "gold" } });
  assert.equal(claims(session.access_token).plan, "gold");
  await ok(client.getUser());
  assert.equal((await ok(client.getClaims())).claims.plan, "gold");
  assert.equal(claims((await ok(client.refreshSession())).session.access_token).plan, "gold");
});

test("no hook makes a token somebody else's", async () => {
  const email = address(), client = app();
  await ok(client.signUp({ email, password, options: { data: { plan: "forge" } } }));
  const { data, error } = await client.verifyOtp({ type: "email", email, token: (await letter(email)).code });
  assert.deepEqual([error.status, data.session], [500, null]);
});

test("a hook refuses an account, in its own words", async () => {
  const email = address("blocked");
  const { error } = await app().signUp({ email, password });
  assert.deepEqual([error.status, error.message], [403, "Not from there."]);
  await ok(app().signInWithOtp({ email }));
  await silence(email);
  await fails(app().signInWithPassword({ email, password }), "invalid_credentials", 400);
  const elsewhere = await app().signInWithIdToken({ provider: "google", token: await idToken({ email }) });
  assert.deepEqual([elsewhere.error?.status, elsewhere.error?.message], [403, "Not from there."]);
});

test("a hook hears of a new account", async () => {
  const { email } = await confirmed();
  for (const end = Date.now() + 8_000; Date.now() < end;) {
    if ((await (await fetch(`${elsewhere}/created`)).json()).includes(email)) return;
    await new Promise((again) => setTimeout(again, 34));
  }
  assert.fail("it heard of none");
});

test("a hook refuses a password that is right, and ends what it opened", async () => {
  const { email, client, user } = await confirmed();
  await ok(client.signInWithPassword({ email, password }));
  await fetch(`${elsewhere}/watched/${user.id}`, { method: "POST" });
  const error = await fails(app().signInWithPassword({ email, password }), "invalid_credentials", 400);
  assert.equal(error.message, "Call us first.");
  assert.equal((await client.getUser()).error.name, "AuthSessionMissingError");
});
