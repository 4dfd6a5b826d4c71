// Tokens for tokens (RFC 8693).
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeJwt } from "jose";
import * as client from "openid-client";
import { ada, configure, earned, fails, open, program } from "./house.mjs";

open();

const grant = "urn:ietf:params:oauth:grant-type:token-exchange";
const type = "urn:ietf:params:oauth:token-type:access_token";
const [front, back] = ["https://front.example/api", "https://back.example/api"];
const exchange = (config, subject_token, more) =>
  client.genericGrantRequest(config, grant, { subject_token, subject_token_type: type, ...more });

// service is the server of one resource, which may go on to the one behind it.
const service = () => configure(program("--grant", grant, "--scope", "openid", "--scope", "email", "--resource", front, "--resource", back, "--serves", front));

test("a service exchanges the token it was sent for one of its own, for less", async () => {
  const app = await configure(program("--resource", front));
  const tokens = await earned(app);
  const config = await service();
  const given = await exchange(config, tokens.access_token, { resource: back, scope: "email" });
  assert.equal(given.issued_token_type, type);
  assert.equal(given.scope, "email");
  assert.equal(given.refresh_token, undefined);
  const claims = decodeJwt(given.access_token);
  const { client_id } = config.clientMetadata();
  assert.deepEqual([claims.sub, claims.aud, claims.client_id, claims.act.sub], [ada.id, back, client_id, client_id]);
  assert.ok(claims.exp <= decodeJwt(tokens.access_token).exp);

  await client.tokenRevocation(app, tokens.refresh_token);
  await fails(exchange(config, tokens.access_token, { resource: back }), "invalid_request");
});

test("nobody exchanges a token that was not sent to them, or for more", async () => {
  const app = await configure(program("--resource", "https://else.example/api"));
  const tokens = await earned(app);
  const config = await service();
  await fails(exchange(config, tokens.access_token, { resource: back }), "invalid_request");

  const ours = await earned(await configure(program("--resource", front)), { scope: "openid" });
  await fails(exchange(config, ours.access_token, { resource: back, scope: "email" }), "invalid_scope");
  await fails(exchange(config, ours.access_token, { resource: "https://else.example/api" }), "invalid_target");
  await fails(exchange(config, ours.id_token, { resource: back }), "invalid_request");
  const neighbour = await configure(program("--grant", grant, "--scope", "email", "--resource", front));
  await fails(exchange(neighbour, ours.access_token, {}), "invalid_request"); // a client of the resource is not its server
  await fails(exchange(config, ours.access_token, { subject_token_type: "urn:ietf:params:oauth:token-type:saml2" }), "invalid_request");
});
