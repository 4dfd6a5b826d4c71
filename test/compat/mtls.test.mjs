// Clients that are known by the certificate of their connection (RFC 8705).
import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import https from "node:https";
import { test } from "node:test";
import { decodeJwt } from "jose";
import * as client from "openid-client";
import { ada, earned, env, fails, open, register } from "./house.mjs";

open();

const certificate = readFileSync(env("HEADYKEY_CLIENT_CERT"));
const thumbprint = createHash("sha256").update(new X509Certificate(certificate).raw).digest("base64url");
const agent = new https.Agent({ cert: certificate, key: readFileSync(env("HEADYKEY_CLIENT_KEY")) });

// shown is fetch over connections that show the certificate.
async function shown(url, { method, headers, body }) {
  const request = https.request(url, { method, headers: Object.fromEntries(new Headers(headers)), agent });
  request.end(body?.toString());
  const [answer] = await once(request, "response");
  const parts = await answer.toArray();
  return new Response(Buffer.concat(parts), { status: answer.statusCode, headers: answer.headers });
}

const fresh = { grant_types: ["authorization_code", "refresh_token"], token_endpoint_auth_method: "tls_client_auth",
  tls_client_auth_subject_dn: "CN=weather,O=Tests", tls_client_certificate_bound_access_tokens: true };

test("a client proves itself by its certificate, and its tokens are bound to it", async () => {
  const config = await register(fresh, client.TlsClientAuth());
  const bare = new client.Configuration(config.serverMetadata(), config.clientMetadata().client_id, {}, client.TlsClientAuth());
  config[client.customFetch] = shown;
  const tokens = await earned(config);
  assert.deepEqual(decodeJwt(tokens.access_token).cnf, { "x5t#S256": thumbprint });
  await client.fetchUserInfo(config, tokens.access_token, ada.id);
  await assert.rejects(client.fetchUserInfo(bare, tokens.access_token, ada.id), { status: 401 });
  const told = await client.tokenIntrospection(config, tokens.access_token);
  assert.equal(told.cnf["x5t#S256"], thumbprint);
  await fails(client.refreshTokenGrant(bare, tokens.refresh_token), "invalid_client");
  await client.refreshTokenGrant(config, tokens.refresh_token);
});

test("a certificate of another name proves nothing", async () => {
  const config = await register({ ...fresh, tls_client_auth_subject_dn: "CN=climate,O=Tests" }, client.TlsClientAuth());
  config[client.customFetch] = shown;
  await fails(earned(config), "invalid_client");
});
