// How requests and answers travel: pushed, by form, signed (RFC 9126, Form Post,
// JARM).
import assert from "node:assert/strict";
import { test } from "node:test";
import * as client from "openid-client";
import { ada, app, begin, configure, fails, known, open, program, sent, visit } from "./house.mjs";

open();

test("the answer comes as a form that sends itself", async () => {
  const config = await configure(program());
  const { back, checks } = await sent(config, { response_mode: "form_post" });
  assert.equal(back.method, "POST");
  assert.equal(new URL(back.url).search, "");
  const tokens = await client.authorizationCodeGrant(config, back, checks);
  assert.equal(tokens.claims().sub, ada.id);
});

test("a refusal comes as a form, too", async () => {
  const config = await configure(program());
  const { asked, checks } = await begin({ response_mode: "form_post", prompt: "none" });
  const back = await visit(async (v) => {
    await v.goto(client.buildAuthorizationUrl(config, asked));
    return v.landed();
  });
  await fails(client.authorizationCodeGrant(config, back, checks), "login_required");
});

for (const response_mode of ["jwt", "query.jwt", "form_post.jwt"]) {
  test(`the answer is signed: ${response_mode}`, async () => {
    const config = await configure(program());
    client.useJwtResponseMode(config);
    const { back, checks } = await sent(config, {}, (...args) => {
      const url = client.buildAuthorizationUrl(...args);
      url.searchParams.set("response_mode", response_mode);
      return url;
    });
    if (back instanceof URL) assert.deepEqual([...back.searchParams.keys()], ["response"]);
    const tokens = await client.authorizationCodeGrant(config, back, checks);
    assert.equal(tokens.claims().sub, ada.id);
  });
}

test("a signed answer that was changed, or is for another client, is refused", async () => {
  const config = await configure(program());
  client.useJwtResponseMode(config);
  const { back, checks } = await sent(config);
  const [head, payload, signature] = back.searchParams.get("response").split(".");
  const claims = JSON.parse(Buffer.from(payload, "base64url"));
  const changed = Buffer.from(JSON.stringify({ ...claims, code: "another" })).toString("base64url");
  const forged = new URL(back);
  forged.searchParams.set("response", [head, changed, signature].join("."));
  await assert.rejects(client.authorizationCodeGrant(config, forged, checks), { code: "OAUTH_INVALID_RESPONSE" });

  const other = await configure(program());
  client.useJwtResponseMode(other);
  await assert.rejects(client.authorizationCodeGrant(other, back, checks), { code: "OAUTH_JWT_CLAIM_COMPARISON_FAILED" });
});

for (const method of ["client_secret_basic", "client_secret_post", "none"]) {
  test(`a request is pushed by a client with ${method}`, async () => {
    const config = await configure(program("--auth-method", method));
    const { back, checks } = await sent(config, {}, async (...args) => {
      const url = await client.buildAuthorizationUrlWithPAR(...args);
      assert.deepEqual([...url.searchParams.keys()].sort(), ["client_id", "request_uri"]);
      return url;
    });
    const tokens = await client.authorizationCodeGrant(config, back, checks);
    assert.equal(tokens.claims().sub, ada.id);
  });
}

test("a bad request is not accepted to be pushed", async () => {
  const c = program();
  const config = await configure(c);
  const { asked } = await begin();
  const push = (parameters, as = config) => client.buildAuthorizationUrlWithPAR(as, { ...asked, ...parameters });
  await fails(push({ redirect_uri: `${app}/deeper` }), "invalid_request");
  await fails(push({ scope: "everything" }), "invalid_scope");
  await fails(push({ code_challenge_method: "plain" }), "invalid_request");
  await fails(push({ request_uri: "urn:ietf:params:oauth:request_uri:0" }), "invalid_request");
  await fails(push({}, await configure({ ...c, client_secret: "guessed" })), "invalid_client");
});

test("a pushed request is granted once, and to its own client", async () => {
  const config = await configure(program());
  const other = await configure(program());
  const { asked } = await begin();
  const url = await client.buildAuthorizationUrlWithPAR(config, asked);
  const stolen = new URL(url);
  stolen.searchParams.set("client_id", other.clientMetadata().client_id);
  await visit(async (v) => {
    assert.equal((await v.goto(stolen)).status(), 400);
    await v.authorize(url);
    assert.equal((await v.goto(url)).status(), 400);
  }, known);
});
