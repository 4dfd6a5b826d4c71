// What becomes of tokens: refreshed, looked at, revoked, and for whom they are.
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeJwt, decodeProtectedHeader } from "jose";
import * as client from "openid-client";
import { ada, base, configure, earned, fails, issuer, open, program, sent } from "./house.mjs";

open();

const refresh = client.refreshTokenGrant;

test("a refresh token is spent by its use, and its successor works", async () => {
  const config = await configure(program());
  const tokens = await earned(config);
  const second = await refresh(config, tokens.refresh_token);
  assert.notEqual(second.refresh_token, tokens.refresh_token);
  assert.deepEqual([second.claims().sub, second.claims().auth_time], [ada.id, tokens.claims().auth_time]);
  await client.fetchUserInfo(config, second.access_token, ada.id);
  const third = await refresh(config, second.refresh_token);
  assert.notEqual(third.refresh_token, second.refresh_token);
});

test("who lost the answer gets the same successor again", async () => {
  const config = await configure(program());
  const tokens = await earned(config);
  const [one, two] = [await refresh(config, tokens.refresh_token), await refresh(config, tokens.refresh_token)];
  assert.equal(one.refresh_token, two.refresh_token);
});

test("an old refresh token that comes back ends everything", async () => {
  const config = await configure(program());
  const tokens = await earned(config);
  const second = await refresh(config, tokens.refresh_token);
  const third = await refresh(config, second.refresh_token);
  await fails(refresh(config, tokens.refresh_token), "invalid_grant");
  await fails(refresh(config, third.refresh_token), "invalid_grant");
  await assert.rejects(client.fetchUserInfo(config, third.access_token, ada.id), { status: 401 });
});

test("a refresh token is of one client, and gives no more than was allowed", async () => {
  const config = await configure(program());
  const tokens = await earned(config, { scope: "openid email" });
  await fails(refresh(await configure(program()), tokens.refresh_token), "invalid_grant");
  await fails(refresh(config, tokens.refresh_token, { scope: "openid email profile" }), "invalid_scope");
  await fails(refresh(config, `${tokens.refresh_token.slice(0, -8)}00000000`), "invalid_grant");
  const less = await refresh(config, tokens.refresh_token, { scope: "openid" });
  assert.equal(less.scope, "openid");
  const all = await refresh(config, less.refresh_token);
  assert.equal(all.scope, "openid email");
});

test("userinfo refuses what is no access token", async () => {
  const config = await configure(program());
  const tokens = await earned(config);
  for (const token of [tokens.id_token, tokens.refresh_token, `${tokens.access_token}x`, "nothing"]) {
    await assert.rejects(client.fetchUserInfo(config, token, ada.id), (e) => {
      assert.equal(e.status, 401);
      assert.equal(e.cause[0].scheme, "bearer");
      assert.equal(e.cause[0].parameters.error, "invalid_token");
      return true;
    });
  }
  await assert.rejects(client.fetchUserInfo(config, tokens.access_token, "somebody"), { code: "OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED" });
});

test("userinfo needs the scope openid", async () => {
  const config = await configure(program());
  const { back, checks } = await sent(config, { scope: "email", nonce: "" });
  const tokens = await client.authorizationCodeGrant(config, back,
    { ...checks, expectedNonce: undefined, idTokenExpected: false });
  assert.equal(tokens.id_token, undefined);
  await assert.rejects(client.fetchUserInfo(config, tokens.access_token, ada.id), (e) => {
    assert.equal(e.status, 403);
    assert.equal(e.cause[0].parameters.error, "insufficient_scope");
    return true;
  });
});

test("introspection tells a client of its tokens, and nothing of others'", async () => {
  const config = await configure(program());
  const tokens = await earned(config);
  const told = await client.tokenIntrospection(config, tokens.access_token);
  assert.equal(told.active, true);
  assert.equal(told.sub, ada.id);
  assert.equal(told.client_id, config.clientMetadata().client_id);
  assert.equal(told.iss, issuer.href);
  assert.equal(told.scope, "openid profile email");
  assert.deepEqual({ ...await client.tokenIntrospection(config, "nothing") }, { active: false });
  assert.deepEqual({ ...await client.tokenIntrospection(config, tokens.id_token) }, { active: false });

  const stranger = await configure(program("--resource", "https://other.example/api"));
  assert.deepEqual({ ...await client.tokenIntrospection(stranger, tokens.access_token) }, { active: false });
  const open = await configure(program("--auth-method", "none"));
  await fails(client.tokenIntrospection(open, tokens.access_token), "invalid_client");
});

test("a revoked access token is gone alone, a revoked refresh token with all", async () => {
  const config = await configure(program());
  const tokens = await earned(config);
  await client.tokenRevocation(config, tokens.access_token);
  await assert.rejects(client.fetchUserInfo(config, tokens.access_token, ada.id), { status: 401 });
  const second = await refresh(config, tokens.refresh_token);
  await client.tokenRevocation(config, second.refresh_token);
  await client.tokenRevocation(config, second.refresh_token);
  await client.tokenRevocation(config, "nothing");
  await assert.rejects(client.fetchUserInfo(config, second.access_token, ada.id), { status: 401 });
  await fails(refresh(config, second.refresh_token), "invalid_grant");
});

test("nobody revokes the tokens of another client", async () => {
  const config = await configure(program());
  const tokens = await earned(config);
  const other = await configure(program());
  await client.tokenRevocation(other, tokens.access_token).catch(() => {}); // an error or silence: RFC 7009 lets both
  await client.tokenRevocation(other, tokens.refresh_token).catch(() => {});
  await client.fetchUserInfo(config, tokens.access_token, ada.id);
  await refresh(config, tokens.refresh_token);
});

test("a program gets a token of its own", async () => {
  const config = await configure(program("--grant", "client_credentials", "--scope", "weather.read", "--scope", "weather.write"));
  const tokens = await client.clientCredentialsGrant(config, { scope: "weather.read" });
  assert.equal(tokens.scope, "weather.read");
  assert.equal(tokens.refresh_token, undefined);
  const claims = decodeJwt(tokens.access_token);
  const { client_id } = config.clientMetadata();
  assert.deepEqual([claims.sub, claims.client_id, claims.aud], [client_id, client_id, `${base}/api/v1`]);
  assert.equal(decodeProtectedHeader(tokens.access_token).typ, "at+jwt");
  await fails(client.clientCredentialsGrant(config, { scope: "weather.destroy" }), "invalid_scope");
  await fails(client.clientCredentialsGrant(await configure(program())), "unauthorized_client");
  await fails(client.genericGrantRequest(config, "password", { username: "ada", password: "ada" }), "unsupported_grant_type");
});

test("a token is for the resource that it was asked for", async () => {
  const [one, two] = ["https://one.example/api", "https://two.example/api"];
  const config = await configure(program("--resource", one, "--resource", two));
  const both = new URLSearchParams([["resource", one], ["resource", two]]);
  const tokens = await earned(config, {}, (config, asked) => {
    const url = client.buildAuthorizationUrl(config, asked);
    for (const [name, value] of both) url.searchParams.append(name, value);
    return url;
  });
  const aud = (t) => [decodeJwt(t.access_token).aud].flat();
  assert.deepEqual(aud(tokens).sort(), [one, two]);
  const second = await refresh(config, tokens.refresh_token, { resource: two });
  assert.deepEqual(aud(second), [two]);
  await fails(refresh(config, second.refresh_token, { resource: "https://three.example/api" }), "invalid_target");
  await assert.rejects(client.fetchUserInfo(config, second.access_token, ada.id), { status: 401 });
});
