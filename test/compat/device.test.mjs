// People who answer elsewhere than where the program runs (RFC 8628, OpenID Connect
// CIBA). The programs here ask at once instead of after some seconds: their person
// has answered.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as client from "openid-client";
import { ada, base, configure, fails, known, open, person, program, register, visit } from "./house.mjs";

open();

const device = "urn:ietf:params:oauth:grant-type:device_code";
const ciba = "urn:openid:params:grant-type:ciba";
const atOnce = (answer) => ({ ...answer, interval: 0 });

const television = (method = "none") =>
  register({ token_endpoint_auth_method: method, grant_types: [device, "refresh_token"], redirect_uris: [], response_types: [] });

// answer has Ada type the device's code and answer by go.
const answer = (address, code, go) => visit(async (v) => {
  await v.goto(address);
  if (code) await v.page.getByRole("textbox", { name: "Code" }).fill(code);
  await v.page.getByRole("button", { name: "Continue" }).click();
  await go(v);
  await v.page.waitForURL((url) => url.pathname === "/device/done");
}, known);

for (const method of ["none", "client_secret_basic"]) {
  test(`a device with ${method} gets what its person allows`, async () => {
    const config = await television(method);
    const asked = await client.initiateDeviceAuthorization(config, { scope: "openid email offline_access" });
    assert.equal(asked.verification_uri, `${base}/device`);
    const poll = () => client.genericGrantRequest(config, device, { device_code: asked.device_code });
    await fails(poll(), "authorization_pending");
    await fails(poll(), "slow_down");
    await answer(asked.verification_uri, asked.user_code, (v) => v.allow());
    const tokens = await client.pollDeviceAuthorizationGrant(config, atOnce(asked));
    assert.equal(tokens.claims().sub, ada.id);
    assert.equal((await client.fetchUserInfo(config, tokens.access_token, ada.id)).email, ada.email);
    await client.refreshTokenGrant(config, tokens.refresh_token);
    await fails(client.pollDeviceAuthorizationGrant(config, atOnce(asked)), "invalid_grant");
  });
}

test("the link fills the code in, a stranger signs in, and a no is told", async () => {
  const config = await television();
  const asked = await client.initiateDeviceAuthorization(config, { scope: "openid" });
  await visit(async (v) => {
    await v.goto(asked.verification_uri_complete);
    assert.equal(await v.page.getByRole("textbox", { name: "Code" }).inputValue(), asked.user_code);
    await v.page.getByRole("button", { name: "Continue" }).click();
    await v.signIn(ada);
    await v.deny();
    await v.page.waitForURL((url) => url.pathname === "/device/done");
  });
  await fails(client.pollDeviceAuthorizationGrant(config, atOnce(asked)), "access_denied");
});

test("a device code is of one client, and bound to its key", async () => {
  const config = await television();
  const asked = await client.initiateDeviceAuthorization(config, { scope: "openid" });
  await answer(asked.verification_uri_complete, undefined, (v) => v.allow());
  await fails(client.pollDeviceAuthorizationGrant(await television(), atOnce(asked)), "invalid_grant");
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair());
  const tokens = await client.pollDeviceAuthorizationGrant(config, atOnce(asked), undefined, { DPoP });
  assert.equal(tokens.token_type, "dpop");
});

test("a wrong code is not taken", async () => {
  await visit(async (v) => {
    await v.goto(`${base}/device`);
    await v.page.getByRole("textbox", { name: "Code" }).fill("BCDF-GHJK");
    await v.page.getByRole("button", { name: "Continue" }).click();
    await v.page.getByRole("alert").waitFor();
    assert.equal(new URL(v.page.url()).pathname, "/device");
  }, known);
  await fails(client.initiateDeviceAuthorization(await register(), { scope: "openid" }), "unauthorized_client");
});

const bank = () => configure(program("--grant", ciba, "--grant", "refresh_token", "--scope", "openid", "--scope", "email"));

test("a person is asked at our page and answers there", async () => {
  const config = await bank();
  const asked = await client.initiateBackchannelAuthentication(config,
    { scope: "openid email", login_hint: ada.email, binding_message: "W4SCT" });
  const poll = () => client.genericGrantRequest(config, ciba, { auth_req_id: asked.auth_req_id });
  await fails(poll(), "authorization_pending");
  await fails(poll(), "slow_down");
  await visit(async (v) => {
    await v.goto(`${base}/approvals`);
    const form = v.page.getByRole("form", { name: "Request of Weather" }).filter({ hasText: "W4SCT" });
    await form.getByRole("button", { name: "Allow", exact: true }).click();
    await v.page.getByRole("status").first().waitFor();
  }, known);
  const tokens = await client.pollBackchannelAuthenticationGrant(config, atOnce(asked));
  assert.equal(tokens.claims().sub, ada.id);
  await client.fetchUserInfo(config, tokens.access_token, ada.id);
  await fails(poll(), "invalid_grant");
});

test("a person says no at our page", async () => {
  const config = await bank();
  const grace = person("Grace Hopper");
  const asked = await client.initiateBackchannelAuthentication(config, { scope: "openid", login_hint: grace.email });
  await visit(async (v) => {
    await v.goto(`${base}/approvals`);
    await v.signIn(grace);
    await v.goto(`${base}/approvals`);
    await v.deny();
    await v.page.getByRole("status").first().waitFor();
  });
  await fails(client.pollBackchannelAuthenticationGrant(config, atOnce(asked)), "access_denied");
});

test("nobody is asked for a client that may not, or without a hint", async () => {
  const config = await bank();
  const ask = (config, parameters) => client.initiateBackchannelAuthentication(config, { scope: "openid", ...parameters });
  await fails(ask(config, {}), "invalid_request");
  await fails(ask(await register(), { login_hint: ada.email }), "unauthorized_client");
  const asked = await ask(config, { login_hint: ada.email });
  await fails(client.pollBackchannelAuthenticationGrant(await bank(), atOnce(asked)), "invalid_grant");
});
