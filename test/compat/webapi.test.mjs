// The same by oauth4webapi, which leaves each step to its caller, and jose.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRemoteJWKSet, jwtVerify } from "jose";
import * as oauth from "oauth4webapi";
import { ada, app, base, fails, issuer, known, open, program, visit } from "./house.mjs";

open();

const discover = async () => oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer));

test("the code flow, step by step", async () => {
  const as = await discover();
  const c = program("--auth-method", "client_secret_post", "--resource", `${base}/api/v1`);
  const client = { client_id: c.client_id };
  const proof = oauth.ClientSecretPost(c.client_secret);
  const [verifier, state, nonce] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState(), oauth.generateRandomNonce()];
  const url = new URL(as.authorization_endpoint);
  url.search = new URLSearchParams({
    client_id: c.client_id, redirect_uri: app, response_type: "code", scope: "openid email", state, nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256",
  });
  const back = await visit((v) => v.authorize(url), known);
  assert.throws(() => oauth.validateAuthResponse(as, client, back, "another"), { code: oauth.INVALID_RESPONSE });
  const answer = oauth.validateAuthResponse(as, client, back, state);
  const response = await oauth.authorizationCodeGrantRequest(as, client, proof, answer, app, verifier);
  assert.equal(response.headers.get("cache-control"), "no-store");
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response,
    { expectedNonce: nonce, requireIdToken: true });
  await oauth.validateApplicationLevelSignature(as, response);
  assert.equal(oauth.getValidatedIdTokenClaims(tokens).sub, ada.id);

  const keys = createRemoteJWKSet(new URL(as.jwks_uri));
  const id = await jwtVerify(tokens.id_token, keys, { issuer: issuer.href, audience: c.client_id, algorithms: ["RS256"] });
  assert.equal(id.payload.nonce, nonce);
  await assert.rejects(jwtVerify(`${tokens.id_token.slice(0, -8)}AAAAAAAA`, keys), { code: "ERR_JWS_SIGNATURE_VERIFICATION_FAILED" });

  const info = await oauth.processUserInfoResponse(as, client, ada.id, await oauth.userInfoRequest(as, client, tokens.access_token));
  assert.equal(info.email, ada.email);
});

test("an access token is a JWT that a resource server can check by itself", async () => {
  const as = await discover();
  const resource = "https://api.example/weather";
  const c = program("--grant", "client_credentials", "--scope", "weather.read", "--resource", resource);
  const client = { client_id: c.client_id };
  const response = await oauth.clientCredentialsGrantRequest(as, client, oauth.ClientSecretBasic(c.client_secret), { resource });
  const tokens = await oauth.processClientCredentialsResponse(as, client, response);
  const call = (token) => new Request(resource, { headers: { Authorization: `Bearer ${token}` } });
  const claims = await oauth.validateJwtAccessToken(as, call(tokens.access_token), resource);
  assert.equal(claims.client_id, c.client_id);
  assert.equal(claims.scope, "weather.read");
  await assert.rejects(oauth.validateJwtAccessToken(as, call(tokens.access_token), "https://else.example/"),
    { code: oauth.JWT_CLAIM_COMPARISON });
  await assert.rejects(oauth.validateJwtAccessToken(as, call(`${tokens.access_token.slice(0, -8)}AAAAAAAA`), resource));
});

test("a wrong secret is told as RFC 6749 has it", async () => {
  const as = await discover();
  const c = program("--grant", "client_credentials");
  const client = { client_id: c.client_id };
  for (const prove of [oauth.ClientSecretBasic, oauth.ClientSecretPost]) {
    const response = await oauth.clientCredentialsGrantRequest(as, client, prove("guessed"), {});
    assert.equal(response.status, 401);
    await fails(oauth.processClientCredentialsResponse(as, client, response), "invalid_client");
  }
});
