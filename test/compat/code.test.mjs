// The authorization code flow (OpenID Connect Core §3.1) by openid-client.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as client from "openid-client";
import { app, base, begin, configure, fails, issuer, open, person, program, visit } from "./house.mjs";

open();

for (const method of ["client_secret_basic", "client_secret_post", "none"]) {
  test(`a client that proves itself by ${method} gets what the person allows`, async () => {
    const ada = person();
    const config = await configure(program("--auth-method", method));
    const { asked, checks } = await begin(config);
    const back = await visit((v) => v.authorize(client.buildAuthorizationUrl(config, asked), ada));
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
