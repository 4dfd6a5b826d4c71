// When the person is asked (OpenID Connect Core §3.1.2.1).
import assert from "node:assert/strict";
import { test } from "node:test";
import * as client from "openid-client";
import { ada, begin, configure, fails, open, person, program, visit } from "./house.mjs";

open();

// ask makes a request and redeems its answer; go takes the person through the pages.
async function ask(v, config, parameters, go = async () => {}) {
  const { asked, checks } = await begin(parameters);
  if ("max_age" in parameters) checks.maxAge = Number(parameters.max_age);
  const url = client.buildAuthorizationUrl(config, asked);
  await (v.page.url() === "about:blank" ? v.goto(url) : v.follow(url));
  await go();
  return client.authorizationCodeGrant(config, await v.landed(), checks);
}

// signedIn is a visitor who has allowed config's client everything.
function signedIn(v, config, who = ada) {
  return ask(v, config, {}, async () => {
    await v.signIn(who);
    await v.allow();
  });
}

test("prompt=none sends a stranger back, and a known person through", async () => {
  const config = await configure(program());
  await visit(async (v) => {
    await fails(ask(v, config, { prompt: "none" }), "login_required");
    await signedIn(v, config);
    const tokens = await ask(v, config, { prompt: "none" });
    assert.equal(tokens.claims().sub, ada.id);
  });
});

test("prompt=none sends back who must be asked", async () => {
  const config = await configure(program());
  const other = await configure(program());
  await visit(async (v) => {
    await signedIn(v, config);
    await fails(ask(v, other, { prompt: "none" }), "consent_required");
    await fails(ask(v, config, { prompt: "none", max_age: "0" }), "login_required");
    await fails(ask(v, config, { prompt: "none login" }), "invalid_request");
  });
});

test("a known person who allowed it is not asked again", async () => {
  const config = await configure(program());
  await visit(async (v) => {
    const tokens = await signedIn(v, config);
    const again = await ask(v, config, {});
    assert.equal(again.claims().sub, ada.id);
    assert.equal(again.claims().auth_time, tokens.claims().auth_time);
    assert.notEqual(again.access_token, tokens.access_token);
  });
});

test("prompt=login asks for the password again", async () => {
  const config = await configure(program());
  await visit(async (v) => {
    const tokens = await signedIn(v, config);
    const again = await ask(v, config, { prompt: "login" }, () => v.signIn(ada));
    assert.ok(again.claims().auth_time >= tokens.claims().auth_time);
    assert.notEqual(again.claims().sid, undefined);
  });
});

test("max_age asks for the password again, once it is old", async () => {
  const config = await configure(program());
  await visit(async (v) => {
    await signedIn(v, config);
    await ask(v, config, { max_age: "1597" });
    config.clientMetadata()[client.clockTolerance] = 21;
    const again = await ask(v, config, { max_age: "0" }, () => v.signIn(ada));
    assert.equal(again.claims().sub, ada.id);
  });
});

test("prompt=consent asks for the permission again", async () => {
  const config = await configure(program());
  await visit(async (v) => {
    await signedIn(v, config);
    await ask(v, config, { prompt: "consent" }, () => v.allow());
    await fails(ask(v, config, { prompt: "consent" }, () => v.deny()), "access_denied");
  });
});

test("prompt=select_account asks which account, and lets the person take another", async () => {
  const config = await configure(program());
  await visit(async (v) => {
    await signedIn(v, config);
    const tokens = await ask(v, config, { prompt: "select_account" }, () =>
      v.page.getByRole("button", { name: `Continue as ${ada.email}` }).click());
    assert.equal(tokens.claims().sub, ada.id);
    const grace = person("Grace Hopper");
    const others = await ask(v, config, { prompt: "select_account" }, async () => {
      await v.page.getByRole("link", { name: "Use another account" }).click();
      await v.signIn(grace);
      await v.allow();
    });
    assert.equal(others.claims().sub, grace.id);
  });
});

test("more scopes than were allowed are asked for", async () => {
  const config = await configure(program());
  await visit(async (v) => {
    await ask(v, config, { scope: "openid email" }, async () => {
      await v.signIn(ada);
      await v.allow();
    });
    await fails(ask(v, config, { scope: "openid profile", prompt: "none" }), "consent_required");
    const tokens = await ask(v, config, { scope: "openid profile" }, () => v.allow());
    assert.equal(tokens.scope, "openid profile");
  });
});

test("a scope that the person unticks is not granted", async () => {
  const config = await configure(program());
  await visit(async (v) => {
    const tokens = await ask(v, config, {}, async () => {
      await v.signIn(ada);
      await v.page.getByRole("checkbox", { name: /email/i }).uncheck();
      await v.allow();
    });
    assert.equal(tokens.scope, "openid profile");
    const info = await client.fetchUserInfo(config, tokens.access_token, ada.id);
    assert.equal(info.email, undefined);
  });
});

test("a hint at another person asks for that one", async () => {
  const config = await configure(program());
  const hint = await visit(async (v) => (await signedIn(v, config, person("Grace Hopper"))).id_token);
  await visit(async (v) => {
    const tokens = await signedIn(v, config);
    await ask(v, config, { prompt: "none", id_token_hint: tokens.id_token });
    await fails(ask(v, config, { prompt: "none", id_token_hint: hint }), "login_required");
    await fails(ask(v, config, { prompt: "none", id_token_hint: "none.of.ours" }), "invalid_request");
  });
});

test("a login_hint fills the form in", async () => {
  const config = await configure(program());
  await visit(async (v) => {
    const { asked } = await begin({ login_hint: "ada@example.com" });
    await v.goto(client.buildAuthorizationUrl(config, asked));
    assert.equal(await v.page.getByRole("textbox", { name: "Email" }).inputValue(), "ada@example.com");
  });
});
