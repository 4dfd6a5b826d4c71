// The app's own consent page, by which its users let other programs in.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { api, app, confirmed, fails, keys, ok, operator, site } from "../house.mjs";

const back = "https://client.example/cb";

// program registers a client and returns what it is registered as.
const program = (more = {}) => ok(operator().oauth.createClient({ client_name: "Weather", redirect_uris: [back], ...more }));

// ask sends a person's browser to us as a program does: the answer leads to the
// app's consent page.
async function ask(client, more = {}) {
  const verifier = randomBytes(34).toString("base64url");
  const query = new URLSearchParams({
    client_id: client.client_id, redirect_uri: back, response_type: "code", scope: "openid email", state: "where I was",
    code_challenge: createHash("sha256").update(verifier).digest("base64url"), code_challenge_method: "S256", ...more,
  });
  const answer = await fetch(`${api}/oauth/authorize?${query}`, { redirect: "manual" });
  assert.equal(answer.status, 302, await answer.clone().text());
  const at = new URL(answer.headers.get("location"));
  assert.equal(at.origin + at.pathname, `${site}/consent`);
  return { id: at.searchParams.get("authorization_id"), verifier };
}

// redeem exchanges a code as a confidential client does.
const redeem = (client, code, verifier) => fetch(`${api}/oauth/token`, {
  method: "POST",
  headers: { Authorization: `Basic ${Buffer.from(`${client.client_id}:${client.client_secret}`).toString("base64")}` },
  body: new URLSearchParams({ grant_type: "authorization_code", code, redirect_uri: back, code_verifier: verifier }),
});

test("what the user approves on the app's page, the program gets", async () => {
  const client = await program(), { client: ada, user, email } = await confirmed();
  const { id, verifier } = await ask(client);
  const details = await ok(ada.oauth.getAuthorizationDetails(id));
  assert.deepEqual([details.authorization_id, details.redirect_uri, details.scope], [id, back, "openid email"]);
  assert.deepEqual([details.client.id, details.client.name, details.user], [client.client_id, "Weather", { id: user.id, email }]);
  const { redirect_url } = await ok(ada.oauth.approveAuthorization(id));
  const at = new URL(redirect_url);
  assert.deepEqual([at.origin + at.pathname, at.searchParams.get("state")], [back, "where I was"]);
  const answer = await redeem(client, at.searchParams.get("code"), verifier);
  const tokens = await answer.json();
  assert.equal(answer.status, 200, JSON.stringify(tokens));
  assert.ok(tokens.access_token && tokens.id_token);
  assert.equal(tokens.token_type.toLowerCase(), "bearer");
  const info = await (await fetch(`${api}/oauth/userinfo`, { headers: { Authorization: `Bearer ${tokens.access_token}` } })).json();
  assert.deepEqual([info.sub, info.email], [user.id, email]);
});

test("who has approved before goes straight on, until they take it back", async () => {
  const client = await program(), { client: ada } = await confirmed();
  const first = await ask(client);
  await ok(ada.oauth.getAuthorizationDetails(first.id));
  await ok(ada.oauth.approveAuthorization(first.id));
  const grants = await ok(ada.oauth.listGrants());
  assert.deepEqual(grants.map((g) => [g.client.id, g.client.name, g.scopes.toSorted?.() ?? g.scopes.sort()]),
    [[client.client_id, "Weather", ["email", "openid"]]]);
  assert.ok(Date.parse(grants[0].granted_at));
  const second = await ok(ada.oauth.getAuthorizationDetails((await ask(client)).id));
  assert.ok(new URL(second.redirect_url).searchParams.get("code"));
  await ok(ada.oauth.revokeGrant({ clientId: client.client_id }));
  assert.deepEqual(await ok(ada.oauth.listGrants()), []);
  await fails(ada.oauth.revokeGrant({ clientId: client.client_id }), "oauth_consent_not_found", 404);
  assert.ok((await ok(ada.oauth.getAuthorizationDetails((await ask(client)).id))).authorization_id);
});

test("what the user denies, the program hears", async () => {
  const client = await program(), { client: ada } = await confirmed();
  const { id } = await ask(client);
  await ok(ada.oauth.getAuthorizationDetails(id));
  const { redirect_url } = await ok(ada.oauth.denyAuthorization(id));
  const at = new URL(redirect_url);
  assert.deepEqual([at.searchParams.get("error"), at.searchParams.get("state"), at.searchParams.get("code")], ["access_denied", "where I was", null]);
  assert.deepEqual(await ok(ada.oauth.listGrants()), []);
});

test("an authorization is for who looked at it first, and for one answer", async () => {
  const client = await program(), { client: ada } = await confirmed(), { client: eve } = await confirmed();
  const { id } = await ask(client);
  await ok(ada.oauth.getAuthorizationDetails(id));
  await fails(eve.oauth.getAuthorizationDetails(id), "oauth_authorization_not_found", 404);
  await fails(eve.oauth.approveAuthorization(id), "oauth_authorization_not_found", 404);
  await ok(ada.oauth.approveAuthorization(id));
  const twice = await ada.oauth.approveAuthorization(id);
  assert.ok([400, 404].includes(twice.error?.status), String(twice.error));
  await fails(ada.oauth.getAuthorizationDetails("34d5f2a8-1597-4c6c-9e32-2b4c8d0d8f55"), "oauth_authorization_not_found", 404);
  assert.equal((await app().oauth.getAuthorizationDetails(id)).error.name, "AuthSessionMissingError");
});

test("a bad request stays here, and a bad wish goes back", async () => {
  const client = await program();
  const at = async (more) => fetch(`${api}/oauth/authorize?${new URLSearchParams({ client_id: client.client_id, redirect_uri: back, response_type: "code", ...more })}`,
    { redirect: "manual" });
  assert.equal((await at({ client_id: "34d5f2a8-1597-4c6c-9e32-2b4c8d0d8f55" })).status, 400);
  assert.equal((await at({ redirect_uri: "https://stranger.example/cb" })).status, 400);
  const wish = await at({ response_type: "token", state: "s" });
  assert.ok([302, 303].includes(wish.status));
  assert.ok(wish.headers.get("location").startsWith(back));
});

test("operators keep the list of programs", async () => {
  const clients = operator().oauth;
  const made = await program({ client_uri: "https://client.example", token_endpoint_auth_method: "client_secret_post" });
  assert.match(made.client_id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  assert.deepEqual([made.client_type, made.registration_type, made.token_endpoint_auth_method], ["confidential", "manual", "client_secret_post"]);
  const got = await ok(clients.getClient(made.client_id));
  assert.deepEqual([got.client_name, got.client_secret], ["Weather", undefined]);
  assert.ok((await ok(clients.listClients())).clients.some((c) => c.client_id === made.client_id));
  assert.equal((await ok(clients.updateClient(made.client_id, { client_name: "Climate" }))).client_name, "Climate");
  const fresh = await ok(clients.regenerateClientSecret(made.client_id));
  assert.ok(fresh.client_secret && fresh.client_secret !== made.client_secret);
  await ok(clients.deleteClient(made.client_id));
  await fails(clients.getClient(made.client_id), "oauth_client_not_found", 404);
  await fails(clients.createClient({ client_name: "Bad", redirect_uris: ["javascript:alert(1)"] }), "validation_failed", 400);
});

test("programs register themselves where that is open", async () => {
  const answer = await fetch(`${api}/oauth/clients/register`, {
    method: "POST", body: JSON.stringify({ client_name: "Itself", redirect_uris: [back], token_endpoint_auth_method: "none" }),
  });
  const made = await answer.json();
  assert.equal(answer.status, 201, JSON.stringify(made));
  assert.deepEqual([made.client_type, made.registration_type, made.client_secret], ["public", "dynamic", undefined]);
});

test("only operators see the programs", async () => {
  await fails(operator(keys.anon).oauth.listClients(), "not_admin", 403);
});
