// Tokens that are bound to a key (RFC 9449).
import assert from "node:assert/strict";
import { test } from "node:test";
import { calculateJwkThumbprint, decodeJwt, exportJWK } from "jose";
import * as oauth from "oauth4webapi";
import * as client from "openid-client";
import { ada, app, base, begin, earned, fails, issuer, known, open, program, register, sent, visit } from "./house.mjs";

open();

const keyOf = async (config, options) => {
  const pair = await client.randomDPoPKeyPair("ES256", { extractable: true });
  return { pair, thumbprint: await calculateJwkThumbprint(await exportJWK(pair.publicKey)), DPoP: client.getDPoPHandle(config, pair, options) };
};

const grants = { grant_types: ["authorization_code", "refresh_token"] };
const bearerChallenge = (e) => {
  assert.equal(e.status, 401);
  assert.equal(e.cause[0].parameters.error, "invalid_token");
  return true;
};

for (const method of ["client_secret_basic", "none"]) {
  test(`the tokens of a client with ${method} are bound to its key`, async () => {
    const config = await register({ token_endpoint_auth_method: method, ...grants });
    const { DPoP, thumbprint } = await keyOf(config);
    const { back, checks } = await sent(config);
    const tokens = await client.authorizationCodeGrant(config, back, checks, undefined, { DPoP });
    assert.equal(tokens.token_type, "dpop");
    assert.deepEqual(decodeJwt(tokens.access_token).cnf, { jkt: thumbprint });
    const info = await client.fetchUserInfo(config, tokens.access_token, ada.id, { DPoP });
    assert.equal(info.email, ada.email);

    const thief = await keyOf(config);
    await assert.rejects(client.fetchUserInfo(config, tokens.access_token, ada.id, thief), { status: 401 });
    await assert.rejects(client.fetchUserInfo(config, tokens.access_token, ada.id), bearerChallenge);
    const second = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
    assert.equal(second.token_type, "dpop");
    if (method === "none") {
      await fails(client.refreshTokenGrant(config, second.refresh_token, undefined, thief), "invalid_dpop_proof");
      await fails(client.refreshTokenGrant(config, second.refresh_token), "invalid_dpop_proof");
    }
    await client.refreshTokenGrant(config, second.refresh_token, undefined, { DPoP });
  });
}

test("introspection tells the key that a token is bound to", async () => {
  const config = await register();
  const { DPoP, thumbprint } = await keyOf(config);
  const { back, checks } = await sent(config);
  const tokens = await client.authorizationCodeGrant(config, back, checks, undefined, { DPoP });
  const told = await client.tokenIntrospection(config, tokens.access_token);
  assert.deepEqual([told.token_type, told.cnf.jkt], ["DPoP", thumbprint]);
});

test("a code that was pushed with a key is redeemed with that key alone", async () => {
  const config = await register();
  const [mine, thief] = [await keyOf(config), await keyOf(config)];
  const push = (...args) => client.buildAuthorizationUrlWithPAR(...args, mine);
  const redeem = async (DPoP) => {
    const { asked, checks } = await begin({ prompt: "consent" });
    const back = await visit(async (v) => v.authorize(await push(config, asked)), known);
    return client.authorizationCodeGrant(config, back, checks, undefined, { DPoP });
  };
  await fails(redeem(thief.DPoP), "invalid_dpop_proof");
  await fails(redeem(undefined), "invalid_dpop_proof");
  assert.equal((await redeem(mine.DPoP)).token_type, "dpop");
});

test("a client that must use a key gets nothing without", async () => {
  const config = await register({ dpop_bound_access_tokens: true });
  const { DPoP } = await keyOf(config);
  const { back, checks } = await sent(config);
  await fails(client.authorizationCodeGrant(config, back, checks), "invalid_dpop_proof");
  const tokens = await client.authorizationCodeGrant(config, back, checks, undefined, { DPoP });
  assert.equal(tokens.token_type, "dpop");
});

test("a proof with an old nonce is answered with a new one, and the client tries again", async () => {
  const config = await register(grants);
  const nonces = [];
  const { DPoP } = await keyOf(config, {
    [client.modifyAssertion]: (_, payload) => {
      if (nonces.length === 0) payload.nonce = "an old one";
      nonces.push(payload.nonce);
    },
  });
  const { back, checks } = await sent(config);
  const tokens = await client.authorizationCodeGrant(config, back, checks, undefined, { DPoP });
  assert.equal(tokens.token_type, "dpop");
  assert.deepEqual([nonces.length, nonces[0]], [2, "an old one"]);
  await client.fetchUserInfo(config, tokens.access_token, ada.id, { DPoP });
  assert.equal(nonces[2], nonces[1]);
});

for (const [what, change] of [
  ["another method", { htm: "GET" }],
  ["another address", { htu: `${base}/auth/v1/user` }],
  ["another time", { iat: 1 }],
]) {
  test(`a proof for ${what} is refused`, async () => {
    const config = await register();
    const { DPoP } = await keyOf(config, { [client.modifyAssertion]: (_, payload) => Object.assign(payload, change) });
    await fails(client.genericGrantRequest(config, "authorization_code", { code: "any" }, { DPoP }), "invalid_dpop_proof");
  });
}

test("a proof counts once", async () => {
  const config = await register();
  const { DPoP } = await keyOf(config, { [client.modifyAssertion]: (_, payload) => { payload.jti = "the same"; } });
  const ask = () => client.genericGrantRequest(config, "authorization_code", { code: "any" }, { DPoP });
  await fails(ask(), "invalid_grant");
  await fails(ask(), "invalid_dpop_proof");
});

test("the code flow with a key by oauth4webapi, checked by a resource server", async () => {
  const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer));
  const resource = "https://api.example/weather";
  const c = program("--auth-method", "none", "--resource", resource);
  const me = { client_id: c.client_id };
  const DPoP = oauth.DPoP(me, await oauth.generateKeyPair("ES256", { extractable: true }));
  const [verifier, state] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState()];
  const url = new URL(as.authorization_endpoint);
  url.search = new URLSearchParams({
    client_id: c.client_id, redirect_uri: app, response_type: "code", scope: "openid", state, resource,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256",
    dpop_jkt: await DPoP.calculateThumbprint(),
  });
  const back = await visit((v) => v.authorize(url), known);
  const answer = oauth.validateAuthResponse(as, me, back, state);
  const response = await oauth.authorizationCodeGrantRequest(as, me, oauth.None(), answer, app, verifier, { DPoP });
  const tokens = await oauth.processAuthorizationCodeResponse(as, me, response, { requireIdToken: true });
  assert.equal(tokens.token_type, "dpop");

  let seen;
  const capture = (url, options) => {
    seen = new Request(url, options);
    return Response.json({});
  };
  await oauth.protectedResourceRequest(tokens.access_token, "GET", new URL(resource), undefined, undefined,
    { DPoP, [oauth.customFetch]: capture });
  const claims = await oauth.validateJwtAccessToken(as, seen.clone(), resource, { requireDPoP: true });
  assert.equal(claims.sub, ada.id);
  const plain = new Request(resource, { headers: { Authorization: `Bearer ${tokens.access_token}` } });
  await assert.rejects(oauth.validateJwtAccessToken(as, plain, resource));
});
