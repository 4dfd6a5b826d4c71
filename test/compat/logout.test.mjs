// Programs that sign their people out (OpenID Connect RP-Initiated Logout).
import assert from "node:assert/strict";
import { test } from "node:test";
import * as client from "openid-client";
import { ada, begin, fails, open, register, visit } from "./house.mjs";

open();

const home = "https://app.example/home"; // where people may come back to after it

// signedIn is a visitor who has signed in for config's client.
async function signedIn(v, config) {
  const { asked, checks } = await begin();
  const back = await v.authorize(client.buildAuthorizationUrl(config, asked), ada);
  return client.authorizationCodeGrant(config, back, checks);
}

const program = () => register({ grant_types: ["authorization_code", "refresh_token"], post_logout_redirect_uris: [home] });

test("a program signs its person out, and they come back to it", async () => {
  const config = await program();
  await visit(async (v) => {
    const tokens = await signedIn(v, config);
    await v.follow(client.buildEndSessionUrl(config, { id_token_hint: tokens.id_token, post_logout_redirect_uri: home, state: "bye" }));
    const back = await v.landed();
    assert.equal(back.href, `${home}?state=bye`);
    await assert.rejects(client.fetchUserInfo(config, tokens.access_token, ada.id), { status: 401 });
    const { asked, checks } = await begin({ prompt: "none" });
    await v.follow(client.buildAuthorizationUrl(config, asked));
    await fails(client.authorizationCodeGrant(config, await v.landed(), checks), "login_required");
  });
});

test("without an ID token of this session the person is asked", async () => {
  const config = await program();
  await visit(async (v) => {
    const tokens = await signedIn(v, config);
    await v.follow(client.buildEndSessionUrl(config, { post_logout_redirect_uri: home }));
    await v.page.getByRole("button", { name: "Stay signed in" }).click();
    await v.page.waitForURL((url) => url.pathname !== "/logout");
    await client.fetchUserInfo(config, tokens.access_token, ada.id);
  });
});

test("nobody is sent to an address that is not registered", async () => {
  const config = await program();
  await visit(async (v) => {
    const tokens = await signedIn(v, config);
    const answer = await v.goto(client.buildEndSessionUrl(config,
      { id_token_hint: tokens.id_token, post_logout_redirect_uri: "https://other.example/home" }));
    assert.equal(answer.status(), 400);
    await client.fetchUserInfo(config, tokens.access_token, ada.id);
  });
});
