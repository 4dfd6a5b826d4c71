// ID tokens by way of the browser (OpenID Connect Core §3.2, §3.3).
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeJwt } from "jose";
import * as client from "openid-client";
import { ada, fails, open, register, sent } from "./house.mjs";

open();

const hybrid = async (metadata = {}) => {
  const config = await register({ response_types: ["code id_token"], grant_types: ["authorization_code", "implicit"], ...metadata });
  client.useCodeIdTokenResponseType(config);
  return config;
};

// forge changes what the ID token in an answer says.
function forge(back, change) {
  const url = new URL(back);
  const answer = new URLSearchParams(url.hash.slice(1));
  const [head, , signature] = answer.get("id_token").split(".");
  const claims = { ...decodeJwt(answer.get("id_token")), ...change };
  answer.set("id_token", [head, Buffer.from(JSON.stringify(claims)).toString("base64url"), signature].join("."));
  url.hash = answer.toString();
  return url;
}

for (const alg of ["RS256", "ES256", "PS256", "EdDSA"]) {
  test(`a code comes with an ID token that vouches for it by ${alg}`, async () => {
    const config = await hybrid({ id_token_signed_response_alg: alg });
    client.enableDetachedSignatureResponseChecks(config);
    const { back, checks } = await sent(config);
    const answer = new URLSearchParams(back.hash.slice(1));
    assert.ok(answer.has("code") && !answer.has("access_token"));
    const tokens = await client.authorizationCodeGrant(config, back, checks);
    assert.equal(tokens.claims().sub, ada.id);
    assert.equal(decodeJwt(answer.get("id_token")).sub, ada.id);
  });
}

test("a code and an ID token come by form", async () => {
  const config = await hybrid();
  const { back, checks } = await sent(config, { response_mode: "form_post" });
  const tokens = await client.authorizationCodeGrant(config, back, checks);
  assert.equal(tokens.claims().sub, ada.id);
});

test("another code beside the ID token is noticed", async () => {
  const config = await hybrid();
  const { back, checks } = await sent(config);
  const forged = new URL(back);
  const answer = new URLSearchParams(back.hash.slice(1));
  answer.set("code", "another");
  forged.hash = answer.toString();
  await assert.rejects(client.authorizationCodeGrant(config, forged, checks), { code: "OAUTH_JWT_CLAIM_COMPARISON_FAILED" });
  await assert.rejects(client.authorizationCodeGrant(config, forge(back, { sub: "somebody" }), checks), { code: "OAUTH_INVALID_RESPONSE" });
  await client.authorizationCodeGrant(config, back, checks);
});

const implicit = async () => {
  const config = await register({ response_types: ["id_token"], grant_types: ["implicit"] });
  client.useIdTokenResponseType(config);
  return config;
};

for (const response_mode of ["fragment", "form_post"]) {
  test(`an ID token comes alone by ${response_mode}, with the claims of the scopes`, async () => {
    const config = await implicit();
    const { back, checks } = await sent(config, { response_mode, code_challenge: "", code_challenge_method: "" });
    const { expectedNonce, expectedState } = checks;
    const claims = await client.implicitAuthentication(config, back, expectedNonce, { expectedState });
    assert.deepEqual([claims.sub, claims.email, claims.name], [ada.id, ada.email, "Ada Lovelace"]);
  });
}

test("an ID token with another nonce, or changed, is refused", async () => {
  const config = await implicit();
  const { back, checks } = await sent(config);
  const { expectedNonce, expectedState } = checks;
  const check = (url, nonce) => client.implicitAuthentication(config, url, nonce, { expectedState });
  await assert.rejects(check(back, "another"), { code: "OAUTH_JWT_CLAIM_COMPARISON_FAILED" });
  await assert.rejects(check(forge(back, { sub: "somebody" }), expectedNonce), { code: "OAUTH_INVALID_RESPONSE" });
  assert.equal((await check(back, expectedNonce)).sub, ada.id);
});
