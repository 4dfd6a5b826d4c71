// A project that moves here with its old HS256 secret, and nothing else: apps go on
// with the keys that they have.
import assert from "node:assert/strict";
import { test } from "node:test";
import { SignJWT, jwtVerify } from "jose";
import { address, api, app, claims, env, fails, ok, operator, password } from "../house.mjs";

const secret = new TextEncoder().encode(env("HEADYKEY_PROJECT_SECRET"));

// keyMadeElsewhere is as the old project had it.
const keyMadeElsewhere = (role, more = {}, by = secret) =>
  new SignJWT({ role, iss: "supabase", ref: "abcdefghijklmnopqrst", ...more }).setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setIssuedAt(1_700_000_000).setExpirationTime("10y").sign(by);

test("an app goes on with the key that it was built with", async () => {
  const client = app({}, await keyMadeElsewhere("anon")), email = address();
  const { user, session } = await ok(client.signUp({ email, password }));
  const { payload, protectedHeader } = await jwtVerify(session.access_token, secret, { issuer: api, audience: "authenticated" });
  assert.deepEqual([payload.sub, protectedHeader], [user.id, { alg: "HS256", typ: "JWT" }]);
  await ok(client.refreshSession());
  await ok(client.signOut());
});

test("claims are checked by asking for the user", async () => {
  const asked = [];
  const noting = (input, init) => {
    asked.push(new URL(input).pathname);
    return fetch(input, init);
  };
  const client = app({}, await keyMadeElsewhere("anon"), { global: { fetch: noting } });
  const { user } = await ok(client.signUp({ email: address(), password }));
  asked.length = 0;
  const said = await ok(client.getClaims());
  assert.deepEqual([said.claims.sub, said.header.alg], [user.id, "HS256"]);
  assert.deepEqual(asked, ["/auth/v1/user"]);
  const jwks = await (await fetch(`${api}/.well-known/jwks.json`)).json();
  assert.ok(jwks.keys.every((k) => k.kty !== "oct"), "a shared secret is not published");
});

test("a server goes on with its secret key", async () => {
  const admin = operator(await keyMadeElsewhere("service_role"));
  const email = address();
  await ok(admin.createUser({ email, password, email_confirm: true }));
  assert.ok((await ok(admin.listUsers())).users.some((u) => u.email === email));
});

test("a key of another secret opens nothing", async () => {
  const other = new TextEncoder().encode("another-secret-jwt-token-of-32-characters-or-more");
  for (const key of [await keyMadeElsewhere("anon", {}, other), await keyMadeElsewhere("somebody")]) {
    const { error } = await app({}, key).signInWithPassword({ email: address(), password });
    assert.equal(error.status, 401);
  }
});

test("nobody's session is made with the secret alone", async () => {
  const client = app({}, await keyMadeElsewhere("anon"));
  const { user, session } = await ok(client.signUp({ email: address(), password }));
  const said = claims(session.access_token);
  for (const more of [{ sub: user.id }, { sub: user.id, aud: "authenticated" }, { ...said, session_id: undefined }, { ...said, iss: "supabase" }]) {
    await fails(client.getUser(await keyMadeElsewhere("authenticated", more)), "bad_jwt", 403);
  }
  const { error } = await client.getUser(await keyMadeElsewhere("authenticated", { ...said, session_id: "34d5f2a8-1597-4c6c-9e32-2b4c8d0d8f55" }));
  assert.equal(error.name, "AuthSessionMissingError");
});
