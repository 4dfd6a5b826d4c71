// Programs that register themselves (RFC 7591, 7592, OpenID Connect Registration).
import assert from "node:assert/strict";
import { test } from "node:test";
import * as client from "openid-client";
import { ada, app, earned, fails, known, open, register, visit, begin } from "./house.mjs";

open();

test("a program registers itself, and people sign in to it", async () => {
  const config = await register({ client_uri: "https://app.example/", contacts: ["weather@app.example"] });
  const told = config.clientMetadata();
  assert.equal(told.client_name, "Weather");
  assert.deepEqual(told.redirect_uris, [app]);
  assert.equal(told.token_endpoint_auth_method, "client_secret_basic");
  assert.deepEqual(told.grant_types, ["authorization_code"]);
  assert.deepEqual(told.contacts, ["weather@app.example"]);
  assert.equal(told.client_secret_expires_at, 0);
  const tokens = await earned(config);
  assert.equal(tokens.claims().sub, ada.id);
  assert.equal(tokens.refresh_token, undefined, "it did not register for these");
});

for (const [what, metadata, error] of [
  ["without a redirect URI", { redirect_uris: [] }, "invalid_redirect_uri"],
  ["with one that is not safe", { redirect_uris: ["http://app.example/cb"] }, "invalid_redirect_uri"],
  ["with a fragment", { redirect_uris: [`${app}#here`] }, "invalid_redirect_uri"],
  ["with an unknown grant", { grant_types: ["password"] }, "invalid_client_metadata"],
  ["for unsigned ID tokens", { id_token_signed_response_alg: "none" }, "invalid_client_metadata"],
  ["with two key sets", { jwks: { keys: [] }, jwks_uri: "https://app.example/keys" }, "invalid_client_metadata"],
  ["for a hybrid answer without the grant", { response_types: ["code id_token"], grant_types: ["authorization_code"] }, "invalid_client_metadata"],
]) {
  test(`no program is registered ${what}`, () => fails(register(metadata), error));
}

test("a program manages its own registration, and nobody else does", async () => {
  const mine = (await register()).clientMetadata();
  const other = (await register()).clientMetadata();
  const manage = (method, c, token, body) => fetch(c.registration_client_uri, {
    method, headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" }, body: body && JSON.stringify(body),
  });
  const token = mine.registration_access_token;
  assert.equal((await manage("GET", mine, other.registration_access_token)).status, 401);
  assert.equal((await manage("DELETE", mine, "guessed")).status, 401);
  const read = await manage("GET", mine, token);
  assert.equal(read.status, 200);
  assert.equal((await read.json()).client_id, mine.client_id);

  const change = { client_id: mine.client_id, client_name: "Better weather", redirect_uris: ["https://other.example/cb"] };
  const changed = await manage("PUT", mine, token, change);
  assert.equal(changed.status, 200);
  const now = await changed.json();
  assert.deepEqual([now.client_name, now.redirect_uris], ["Better weather", ["https://other.example/cb"]]);
  assert.equal((await manage("PUT", mine, now.registration_access_token ?? token, { ...change, client_id: other.client_id })).status, 400);

  assert.equal((await manage("DELETE", mine, now.registration_access_token ?? token)).status, 204);
  assert.equal((await manage("GET", mine, now.registration_access_token ?? token)).status, 401);
});

test("clients of one sector know a person by one name, others by another", async () => {
  const pairwise = (redirect_uri) => register({ subject_type: "pairwise", redirect_uris: [redirect_uri] });
  const subject = async (config, redirect_uri) => {
    const tokens = await earned(config, { redirect_uri });
    const { sub } = tokens.claims();
    assert.equal((await client.fetchUserInfo(config, tokens.access_token, sub)).sub, sub);
    return sub;
  };
  const one = await subject(await pairwise(app), app);
  const same = await subject(await pairwise(`${app}/2`), `${app}/2`);
  const other = await subject(await pairwise("https://other.example/cb"), "https://other.example/cb");
  assert.equal(one, same);
  assert.equal(new Set([one, other, ada.id]).size, 3);
});

test("a registered default_max_age counts as if it were asked", async () => {
  const config = await register({ default_max_age: 0 });
  await visit(async (v) => {
    const { asked } = await begin();
    await v.goto(client.buildAuthorizationUrl(config, asked));
    await v.page.getByRole("form", { name: "Sign in" }).waitFor();
  }, known);
});
