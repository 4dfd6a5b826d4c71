// The authorization code flow (OpenID Connect Core §3.1) by openid-client.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as client from "openid-client";
import { app, base, begin, configure, fails, issuer, open, person, program, visit } from "./house.mjs";

open();

// sent is a finished request: who allowed it, the app's answer, and what checks it.
async function sent(c = program(), parameters = {}) {
  const ada = person();
  const config = await configure(c);
  const { asked, checks } = await begin(parameters);
  const back = await visit((v) => v.authorize(client.buildAuthorizationUrl(config, asked), ada));
  return { ada, config, asked, checks, back };
}

for (const method of ["client_secret_basic", "client_secret_post", "none"]) {
  test(`a client that proves itself by ${method} gets what the person allows`, async () => {
    const { ada, config, back, checks } = await sent(program("--auth-method", method));
    assert.equal(back.searchParams.get("iss"), issuer.href);
    const tokens = await client.authorizationCodeGrant(config, back, checks);
    const claims = tokens.claims();
    assert.equal(claims.sub, ada.id);
    assert.equal(claims.iss, issuer.href);
    assert.equal(claims.aud, config.clientMetadata().client_id);
    assert.equal(tokens.token_type, "bearer");
    assert.equal(tokens.scope, "openid profile email");
    const info = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
    assert.deepEqual({ ...info, updated_at: 0 },
      { sub: ada.id, name: "Ada Lovelace", email: ada.email, email_verified: true, updated_at: 0 });
  });
}

test("the ID token is signed by a published key, and a changed one is noticed", async () => {
  const { config, back, checks } = await sent();
  client.enableNonRepudiationChecks(config);
  let changed = false;
  config[client.customFetch] = async (url, options) => {
    const answer = await fetch(url, options);
    if (!url.endsWith("/token")) return answer;
    const body = await answer.json();
    const [head, payload, signature] = body.id_token.split(".");
    const claims = JSON.parse(Buffer.from(payload, "base64url"));
    if (changed) claims.email = "somebody@example.com";
    body.id_token = [head, Buffer.from(JSON.stringify(claims)).toString("base64url"), signature].join(".");
    return Response.json(body);
  };
  const tokens = await client.authorizationCodeGrant(config, back, checks);
  changed = true;
  await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token), { code: "OAUTH_INVALID_RESPONSE" });
});

test("the claims parameter opens claims one by one", async () => {
  const claims = { id_token: { email: { essential: true } }, userinfo: { name: null } };
  const { ada, config, back, checks } = await sent(program(), { scope: "openid", claims: JSON.stringify(claims) });
  const tokens = await client.authorizationCodeGrant(config, back, checks);
  assert.equal(tokens.claims().email, ada.email);
  assert.equal(tokens.claims().name, undefined);
  const info = await client.fetchUserInfo(config, tokens.access_token, ada.id);
  assert.deepEqual(info, { sub: ada.id, name: "Ada Lovelace" });
});

test("an answer with another state, issuer or nonce is refused by the client", async () => {
  const { config, back, checks } = await sent();
  const forge = (name, value) => {
    const url = new URL(back);
    url.searchParams.set(name, value);
    return url;
  };
  const refused = { code: "OAUTH_INVALID_RESPONSE" };
  await assert.rejects(client.authorizationCodeGrant(config, forge("state", "another"), checks), refused);
  await assert.rejects(client.authorizationCodeGrant(config, forge("iss", "https://else.example"), checks), refused);
  await assert.rejects(client.authorizationCodeGrant(config, back, { ...checks, expectedNonce: "another" }),
    { code: "OAUTH_JWT_CLAIM_COMPARISON_FAILED" });
});

test("a code works once, and its second use ends what it gave", async () => {
  const { ada, config, back, checks } = await sent();
  const tokens = await client.authorizationCodeGrant(config, back, checks);
  await client.fetchUserInfo(config, tokens.access_token, ada.id);
  await fails(client.authorizationCodeGrant(config, back, checks), "invalid_grant");
  await assert.rejects(client.fetchUserInfo(config, tokens.access_token, ada.id), { status: 401 });
  await fails(client.refreshTokenGrant(config, tokens.refresh_token), "invalid_grant");
});

test("a code is spent by a wrong verifier", async () => {
  const { config, back, checks } = await sent();
  const wrong = { ...checks, pkceCodeVerifier: client.randomPKCECodeVerifier() };
  await fails(client.authorizationCodeGrant(config, back, wrong), "invalid_grant");
  await fails(client.authorizationCodeGrant(config, back, checks), "invalid_grant");
});

test("a code without its verifier, or a verifier without a challenge, is refused", async () => {
  const { config, back, checks } = await sent();
  await fails(client.authorizationCodeGrant(config, back, { ...checks, pkceCodeVerifier: undefined }), "invalid_grant");

  const plain = await sent(program(), { code_challenge: "", code_challenge_method: "" });
  await fails(client.authorizationCodeGrant(plain.config, plain.back, plain.checks), "invalid_grant");
});

test("a code of another client is refused and stays good for its own", async () => {
  const { ada, config, back, checks } = await sent();
  const other = await configure(program());
  await fails(client.authorizationCodeGrant(other, back, checks), "invalid_grant");
  const tokens = await client.authorizationCodeGrant(config, back, checks);
  assert.equal(tokens.claims().sub, ada.id);
});

test("a client with a wrong secret gets nothing", async () => {
  const c = program();
  const { config, back, checks } = await sent(c);
  const thief = await configure({ ...c, client_secret: "guessed" });
  await fails(client.authorizationCodeGrant(thief, back, checks), "invalid_client");
  const posted = await configure(c, client.ClientSecretPost(c.client_secret));
  await fails(client.authorizationCodeGrant(posted, back, checks), "invalid_client");
  await client.authorizationCodeGrant(config, back, checks);
});

test("a person who says no sends the app access_denied", async () => {
  const ada = person();
  const config = await configure(program());
  const { asked, checks } = await begin();
  const back = await visit(async (v) => {
    await v.goto(client.buildAuthorizationUrl(config, asked));
    await v.signIn(ada);
    await v.deny();
    return v.landed();
  });
  await fails(client.authorizationCodeGrant(config, back, checks), "access_denied");
});

for (const [what, change, error] of [
  ["a public client without PKCE", { code_challenge: "", code_challenge_method: "" }, "invalid_request"],
  ["PKCE by plain", { code_challenge_method: "plain" }, "invalid_request"],
  ["an unknown scope alone", { scope: "everything" }, "invalid_scope"],
  ["a response type that it is not registered for", { response_type: "id_token" }, "unsupported_response_type"],
]) {
  test(`the app is told of a bad request: ${what}`, async () => {
    const config = await configure(program("--auth-method", "none"));
    const { asked, checks } = await begin(change);
    const back = await visit(async (v) => {
      await v.goto(client.buildAuthorizationUrl(config, asked));
      return v.landed();
    });
    if (back.hash) back.search = back.hash.slice(1);
    back.hash = "";
    await fails(client.authorizationCodeGrant(config, back, checks), error);
  });
}

for (const [what, change] of [
  ["a redirect URI that is not registered", { redirect_uri: `${app}/deeper` }],
  ["a redirect URI on another host", { redirect_uri: "https://other.example/cb" }],
  ["an unknown client", { client_id: "00000000-0000-7000-8000-000000000000" }],
]) {
  test(`the person stays with us at ${what}`, async () => {
    const config = await configure(program());
    const { asked } = await begin(change);
    const url = client.buildAuthorizationUrl(config, asked);
    if (change.client_id) url.searchParams.set("client_id", change.client_id);
    await visit(async (v) => {
      const answer = await v.goto(url);
      assert.equal(answer.status(), 400);
      await v.page.getByRole("heading", { name: "This sign-in request is not valid" }).waitFor();
      assert.equal(new URL(v.page.url()).origin, base);
      assert.deepEqual(v.landings, []);
    });
  });
}
