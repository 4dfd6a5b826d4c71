// Where clients find the metadata and the keys (RFC 8414, OpenID Connect Discovery).
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRemoteJWKSet } from "jose";
import * as oauth from "oauth4webapi";
import * as client from "openid-client";
import { base, issuer } from "./house.mjs";

for (const algorithm of ["oidc", "oauth2"]) {
  test(`openid-client finds the issuer by the rules of ${algorithm}`, async () => {
    const config = await client.discovery(issuer, "none", undefined, client.None(), { algorithm });
    const found = config.serverMetadata();
    assert.equal(found.issuer, issuer.href);
    assert.equal(found.supportsPKCE(), true);
    assert.equal(found.authorization_response_iss_parameter_supported, true);
  });

  test(`oauth4webapi finds the issuer by the rules of ${algorithm}`, async () => {
    const found = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm }));
    assert.equal(found.token_endpoint, `${issuer.href}/token`);
  });
}

test("every place tells the same", async () => {
  const path = issuer.pathname;
  const places = ["oauth-authorization-server", "openid-configuration"].flatMap((name) =>
    [`/.well-known/${name}`, `/.well-known/${name}${path}`, `${path}/.well-known/${name}`]);
  const told = await Promise.all(places.map(async (place) => {
    const answer = await fetch(base + place, { headers: { Origin: "https://app.example" } });
    assert.equal(answer.status, 200, place);
    assert.match(answer.headers.get("content-type"), /^application\/json/, place);
    assert.equal(answer.headers.get("access-control-allow-origin"), "*", place);
    return answer.json();
  }));
  for (const one of told) assert.deepEqual(one, told[0]);
});

test("each promised endpoint is there, over TLS", async () => {
  const { authorization_endpoint: _, ...found } =
    await (await fetch(`${issuer.href}/.well-known/openid-configuration`)).json();
  const endpoints = Object.entries(found).filter(([name]) => /_(endpoint|uri)$/.test(name) && name !== "service_documentation");
  assert.ok(endpoints.length >= 6);
  for (const [name, url] of endpoints) {
    assert.ok(url.startsWith(`${base}/`), name);
    const answers = await Promise.all(["GET", "POST"].map((method) => fetch(url, { method, redirect: "manual" })));
    assert.ok(answers.some((answer) => answer.status !== 404 && answer.status !== 405), `${name} is not there`);
    assert.ok(answers.every((answer) => answer.status < 500), `${name} breaks`);
  }
});

test("the published keys are public, of every promised algorithm, and jose takes them", async () => {
  const found = await (await fetch(`${issuer.href}/.well-known/openid-configuration`)).json();
  const { keys } = await (await fetch(found.jwks_uri)).json();
  for (const key of keys) {
    for (const secret of ["d", "p", "q", "dp", "dq", "qi", "k"]) assert.ok(!(secret in key), `${key.kid} shows ${secret}`);
  }
  assert.equal(new Set(keys.map((key) => key.kid)).size, keys.length);
  const resolve = createRemoteJWKSet(new URL(found.jwks_uri));
  for (const alg of found.id_token_signing_alg_values_supported) {
    const { kid } = keys.find((key) => key.alg === alg) ?? assert.fail(`no key for ${alg}`);
    assert.equal((await resolve({ alg, kid })).type, "public");
  }
});

test("an unknown issuer is not taken for ours", async () => {
  await assert.rejects(client.discovery(new URL(base), "none", undefined, client.None()),
    { code: "OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED" });
});
