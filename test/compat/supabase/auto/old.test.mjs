// The client as it was in 2022: errors had no words for codes then.
import assert from "node:assert/strict";
import { test } from "node:test";
import { GoTrueClient } from "@supabase/gotrue-js";
import { Store, address, api, keys, letter, ok, otherPassword, password } from "../house.mjs";

const old = () => new GoTrueClient({
  url: api, headers: { apikey: keys.anon, Authorization: `Bearer ${keys.anon}` }, autoRefreshToken: false, storage: new Store(),
});

test("an app of 2022 goes on", async () => {
  const client = old(), email = address();
  const { user, session } = await ok(client.signUp({ email, password, options: { data: { name: "Ada" } } }));
  assert.equal(user.user_metadata.name, "Ada");
  const { session: next } = await ok(client.setSession({ refresh_token: session.refresh_token })); // it refreshes so
  assert.notEqual(next.refresh_token, session.refresh_token);
  assert.equal((await ok(client.getUser())).user.id, user.id);
  assert.equal((await ok(client.updateUser({ data: { name: "Grace" } }))).user.user_metadata.name, "Grace");
  assert.equal((await client.signOut()).error, null);
  await ok(client.signInWithPassword({ email, password }));
});

test("its links and codes work", async () => {
  const client = old(), email = address();
  await ok(client.signInWithOtp({ email }));
  const { code } = await letter(email);
  const { session } = await ok(client.verifyOtp({ type: "magiclink", email, token: code }));
  assert.ok(session.access_token);
});

test("it reads the number and the text of an error", async () => {
  const client = old(), email = address();
  await ok(client.signUp({ email, password }));
  const { error } = await client.signInWithPassword({ email, password: otherPassword });
  assert.deepEqual([error.name, error.status, error.message], ["AuthApiError", 400, "Invalid login credentials"]);
  const { error: taken } = await client.signUp({ email, password });
  assert.deepEqual([taken.status, taken.message], [422, "User already registered"]);
});
