// The keys of the project, and who may do what with them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { operate } from "../../../house/scripts.mjs";
import { address, api, app, base, confirmed, fails, keys, ok, operator, password } from "../house.mjs";

for (const name of ["anon", "publishable", "service_role", "secret"]) {
  test(`an app made with the ${name} key speaks to its users`, async () => {
    const { email } = await confirmed();
    const { session } = await ok(app({}, keys[name]).signInWithPassword({ email, password }));
    assert.ok(session);
  });
}

for (const key of ["", "sb_publishable_0123456789abcdef0123456789abcdef", "eyJhbGciOiJub25lIn0.eyJyb2xlIjoiYW5vbiJ9."]) {
  test(`without a key of this project the door stays shut: ${key || "none"}`, async () => {
    const answer = await fetch(`${api}/settings`, { headers: key ? { apikey: key } : {} });
    assert.equal(answer.status, 401);
    assert.ok((await answer.json()).message);
  });
}

test("the key may be in the address", async () => {
  const answer = await fetch(`${api}/settings?apikey=${keys.publishable}`);
  assert.equal(answer.status, 200);
});

test("the settings tell apps what there is", async () => {
  const settings = await (await fetch(`${api}/settings`, { headers: { apikey: keys.anon } })).json();
  assert.deepEqual([settings.external.email, settings.external.phone, settings.external.anonymous_users, settings.disable_signup,
    settings.mailer_autoconfirm], [true, false, true, false, false]);
});

test("health, keys and metadata are open", async () => {
  const [health, jwks, metadata] = await Promise.all(["/health", "/.well-known/jwks.json", "/.well-known/openid-configuration"]
    .map(async (path) => (await fetch(api + path)).json()));
  assert.equal(health.name, "GoTrue");
  assert.ok(jwks.keys.length > 0 && jwks.keys.every((k) => k.kid && k.alg && k.use === "sig" && !k.d && k.kty !== "oct"));
  assert.equal(metadata.issuer, api);
});

test("an app gets no kind of key that a client may not know", async () => {
  const answer = await fetch(`${api}/.well-known/jwks.json`, { headers: { apikey: keys.anon } });
  const { keys: set } = await answer.json();
  assert.ok(set.some((k) => k.kty === "EC") && set.every((k) => ["EC", "RSA"].includes(k.kty)));
  assert.match(answer.headers.get("vary"), /Apikey/i);
});

for (const version of ["2024-01-01", "2026-08-07", undefined, "yesterday", "2023-12-31"]) {
  test(`failures are spelled for a client of version ${version}`, async () => {
    const headers = { apikey: keys.anon, ...version && { "X-Supabase-Api-Version": version } };
    const answer = await fetch(`${api}/token?grant_type=password`, { method: "POST", headers, body: `{"email":"${address()}","password":"x"}` });
    assert.equal(answer.status, 400);
    assert.equal(answer.headers.get("x-sb-error-code"), "invalid_credentials");
    const body = await answer.json();
    if (version?.startsWith("202") && version >= "2024-01-01") {
      assert.equal(answer.headers.get("x-supabase-api-version"), "2024-01-01");
      assert.deepEqual(body, { code: "invalid_credentials", message: "Invalid login credentials" });
    } else {
      assert.equal(answer.headers.get("x-supabase-api-version"), null);
      assert.deepEqual(body, { code: 400, error_code: "invalid_credentials", msg: "Invalid login credentials" });
    }
  });
}

test("only a secret key administers", async () => {
  for (const key of [keys.anon, keys.publishable]) {
    const { error } = await operator(key).listUsers();
    assert.deepEqual([error.code, error.status], ["not_admin", 403]);
  }
  const { client, session } = await confirmed();
  const asUser = await fetch(`${api}/admin/users`, { headers: { apikey: keys.anon, Authorization: `Bearer ${session.access_token}` } });
  assert.equal(asUser.status, 403);
  assert.equal((await asUser.json()).error_code, "not_admin");
  await ok(client.getUser());
  for (const key of [keys.service_role, keys.secret]) await ok(operator(key).listUsers());
});

test("the pages of HeadyKey are not in the way", async () => {
  assert.equal((await fetch(`${base}/sign-in`)).status, 200);
});

test("keys can be replaced, and apps have time to follow", async () => {
  const { email } = await confirmed();
  operate(["keys", "rotate", "--use", "project"]);
  const fresh = JSON.parse(operate(["supabase-keys", "--json", "--url", base]));
  for (const name of Object.keys(keys)) assert.notEqual(fresh[name], keys[name]);
  for (const end = Date.now() + 8_000; ;) { // other processes follow within a second
    const { error } = await app({}, fresh.publishable).signInWithPassword({ email, password });
    if (!error) break;
    assert.ok(error.status === 401 && Date.now() < end, String(error));
    await new Promise((again) => setTimeout(again, 89));
  }
  await ok(app({}, keys.publishable).signInWithPassword({ email, password }));
  await ok(app({}, keys.anon).signInWithPassword({ email, password }));
  for (const key of [keys.service_role, keys.secret, fresh.service_role, fresh.secret]) await ok(operator(key).listUsers());
});
