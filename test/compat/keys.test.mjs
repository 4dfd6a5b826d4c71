// What is signed and encrypted, by whose keys (OpenID Connect Core §9, §10, RFC 7523,
// 9101, 9701).
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeProtectedHeader } from "jose";
import * as client from "openid-client";
import { ada, begin, configure, earned, fails, keyFor, known, open, program, register, sent, visit } from "./house.mjs";

open();

for (const alg of ["RS256", "ES256", "PS256", "EdDSA"]) {
  test(`ID tokens and userinfo are signed by ${alg}`, async () => {
    const config = await register({ id_token_signed_response_alg: alg, userinfo_signed_response_alg: alg });
    client.enableNonRepudiationChecks(config);
    const tokens = await earned(config);
    assert.equal(decodeProtectedHeader(tokens.id_token).alg, alg);
    const info = await client.fetchUserInfo(config, tokens.access_token, ada.id);
    assert.equal(info.email, ada.email);
  });
}

for (const [alg, enc] of [["RSA-OAEP", "A128CBC-HS256"], ["RSA-OAEP-256", "A256GCM"], ["ECDH-ES", "A128GCM"], ["ECDH-ES+A256KW", "A256CBC-HS512"]]) {
  test(`ID tokens and userinfo are encrypted by ${alg} with ${enc}`, async () => {
    const { jwks, ...key } = await keyFor(alg, "enc");
    const config = await register({
      jwks,
      id_token_encrypted_response_alg: alg, id_token_encrypted_response_enc: enc,
      userinfo_signed_response_alg: "ES256", userinfo_encrypted_response_alg: alg, userinfo_encrypted_response_enc: enc,
    });
    const { back, checks } = await sent(config);
    client.enableDecryptingResponses(config, [enc], key);
    const tokens = await client.authorizationCodeGrant(config, back, checks);
    assert.equal(tokens.id_token.split(".").length, 5);
    assert.equal(tokens.claims().sub, ada.id);
    const info = await client.fetchUserInfo(config, tokens.access_token, ada.id);
    assert.equal(info.email, ada.email);
  });
}

test("who has another key reads nothing", async () => {
  const [{ jwks }, { jwks: _, ...other }] = await Promise.all([keyFor("ECDH-ES", "enc"), keyFor("ECDH-ES", "enc")]);
  const config = await register({ jwks, id_token_encrypted_response_alg: "ECDH-ES", id_token_encrypted_response_enc: "A128GCM" });
  client.enableDecryptingResponses(config, ["A128GCM"], other);
  await assert.rejects(earned(config), { code: "OAUTH_DECRYPTION_FAILED" });
});

for (const alg of ["ES256", "PS256", "EdDSA"]) {
  test(`a client proves itself by its key: private_key_jwt with ${alg}`, async () => {
    const { key, kid, jwks } = await keyFor(alg);
    const metadata = { token_endpoint_auth_method: "private_key_jwt", grant_types: ["authorization_code", "refresh_token"], jwks };
    const config = await register(metadata, client.PrivateKeyJwt({ key, kid }));
    const tokens = await earned(config, {}, client.buildAuthorizationUrlWithPAR);
    assert.equal(tokens.claims().sub, ada.id);
    await client.refreshTokenGrant(config, tokens.refresh_token);
    await client.tokenRevocation(config, tokens.access_token);

    const thief = await keyFor(alg);
    const stolen = await configure(config.clientMetadata(), client.PrivateKeyJwt({ key: thief.key, kid }));
    await fails(client.refreshTokenGrant(stolen, "any"), "invalid_client");
  });
}

test("an assertion counts once, and for this issuer", async () => {
  const { key, kid, jwks } = await keyFor("ES256");
  const metadata = { token_endpoint_auth_method: "private_key_jwt", jwks };
  const change = {};
  const auth = client.PrivateKeyJwt({ key, kid }, {
    [client.modifyAssertion]: (_, payload) => Object.assign(payload, change),
  });
  const config = await register(metadata, auth);
  const { asked } = await begin();
  change.jti = "the same";
  await client.buildAuthorizationUrlWithPAR(config, asked);
  await fails(client.buildAuthorizationUrlWithPAR(config, asked), "invalid_client");
  change.jti = "another";
  change.aud = "https://else.example";
  await fails(client.buildAuthorizationUrlWithPAR(config, asked), "invalid_client");
});

test("a client proves itself by a JWT made with its secret", async () => {
  const config = await configure(program("--auth-method", "client_secret_jwt"));
  const tokens = await earned(config);
  assert.equal(tokens.claims().sub, ada.id);
  const thief = await configure({ ...config.clientMetadata(), token_endpoint_auth_method: "client_secret_jwt", client_secret: "guessed" });
  await fails(client.refreshTokenGrant(thief, tokens.refresh_token), "invalid_client");
});

for (const pushed of [false, true]) {
  test(`a request comes as a signed object${pushed ? ", and is pushed" : ""}`, async () => {
    const { key, kid, jwks } = await keyFor("ES256");
    const config = await register({ jwks, request_object_signing_alg: "ES256", require_signed_request_object: true });
    const tokens = await earned(config, {}, async (config, asked) => {
      const url = await client.buildAuthorizationUrlWithJAR(config, asked, { key, kid });
      assert.deepEqual([...url.searchParams.keys()].sort(), ["client_id", "request"]);
      return pushed ? client.buildAuthorizationUrlWithPAR(config, url.searchParams) : url;
    });
    assert.equal(tokens.claims().sub, ada.id);
  });
}

test("a request object of another key, or none where one is due, is refused", async () => {
  const [{ kid, jwks }, thief] = await Promise.all([keyFor("ES256"), keyFor("ES256")]);
  const config = await register({ jwks, require_signed_request_object: true });
  const { asked } = await begin();
  const { searchParams } = await client.buildAuthorizationUrlWithJAR(config, asked, { key: thief.key, kid });
  await fails(client.buildAuthorizationUrlWithPAR(config, searchParams), "invalid_request_object");
  await fails(client.buildAuthorizationUrlWithPAR(config, asked), "invalid_request");
  const back = await visit(async (v) => {
    await v.goto(client.buildAuthorizationUrl(config, asked));
    return v.landed();
  }, known);
  assert.equal(back.searchParams.get("error"), "invalid_request");
});

test("introspection is signed for who wants it", async () => {
  const config = await register({ introspection_signed_response_alg: "ES256" });
  const tokens = await earned(config);
  const told = await client.tokenIntrospection(config, tokens.access_token);
  assert.equal(told.active, true);
  assert.equal(told.sub, ada.id);
});
