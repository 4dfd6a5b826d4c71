// Sessions: what they say, how they go on, and how they end.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Store, address, api, app, claims, confirmed, fails, heard, keys, ok, otherPassword, password } from "../house.mjs";

// signedIn is one more app of somebody.
async function signedIn(email, auth = {}, more = {}) {
  const client = app(auth, keys.anon, more);
  const { session, user } = await ok(client.signInWithPassword({ email, password }));
  return { client, session, user };
}

// counted is fetch that notes what it was asked for.
function counted() {
  const asked = [];
  const ask = (input, init) => {
    asked.push(`${init?.method ?? "GET"} ${new URL(input).pathname}`);
    return fetch(input, init);
  };
  return { asked, global: { fetch: ask } };
}

test("a password gives a session that says who, how and until when", async () => {
  const { email } = await confirmed();
  const { session, user } = await signedIn(email);
  assert.deepEqual([session.token_type, session.expires_in], ["bearer", 3600]);
  const said = claims(session.access_token);
  assert.deepEqual(Object.keys(said).sort(), ["aal", "amr", "app_metadata", "aud", "email", "exp", "iat", "is_anonymous", "iss",
    "phone", "role", "session_id", "sub", "user_metadata"]);
  assert.deepEqual([said.iss, said.sub, said.aud, said.role, said.email, said.phone, said.aal, said.is_anonymous],
    [api, user.id, "authenticated", "authenticated", email, "", "aal1", false]);
  assert.deepEqual(said.amr.map((a) => a.method), ["password"]);
  assert.equal(said.exp, said.iat + 3600);
  assert.ok(Math.abs(session.expires_at - said.exp) <= 1);
});

test("every wrong credential is answered alike", async () => {
  const { email, client } = await confirmed();
  const one = await fails(client.signInWithPassword({ email, password: otherPassword }), "invalid_credentials", 400);
  const other = await fails(client.signInWithPassword({ email: address(), password }), "invalid_credentials", 400);
  assert.equal(one.message, other.message);
  await fails(client.signInWithPassword({ email: "", password }), "validation_failed", 400);
  await fails(client.signInWithPassword({ phone: "4915112345678", password }), "phone_provider_disabled", 422);
});

test("an address is the same in capitals", async () => {
  const { email, user } = await confirmed();
  assert.equal((await ok(app().signInWithPassword({ email: email.toUpperCase(), password }))).user.id, user.id);
});

test("the user is who the token says", async () => {
  const { client, session, user } = await confirmed();
  assert.equal((await ok(client.getUser())).user.id, user.id);
  assert.equal((await ok(app().getUser(session.access_token))).user.id, user.id);
  await fails(app().getUser("no.jwt.atall"), "bad_jwt", 403);
  await fails(app().getUser(keys.anon), "bad_jwt", 403);
  await fails(app().getUser(keys.service_role), "bad_jwt", 403);
  const [head, body, signature] = session.access_token.split(".");
  const forged = Buffer.from(JSON.stringify({ ...claims(session.access_token), role: "service_role" })).toString("base64url");
  await fails(app().getUser(`${head}.${forged}.${signature}`), "bad_jwt", 403);
  const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString("base64url");
  await fails(app().getUser(`${none}.${body}.`), "bad_jwt", 403);
});

test("claims are checked by the published keys, and nobody is asked twice", async () => {
  const { email } = await confirmed();
  const { asked, global } = counted();
  const { client, user } = await signedIn(email, {}, { global });
  asked.length = 0;
  const first = await ok(client.getClaims());
  assert.deepEqual([first.claims.sub, first.header.alg, first.header.typ], [user.id, "ES256", "JWT"]);
  await ok(client.getClaims());
  assert.deepEqual(asked.filter((a) => a !== "GET /auth/v1/.well-known/jwks.json"), []);
  assert.ok(asked.length <= 1);
});

test("a refresh gives other tokens of the same session", async () => {
  const { client, session } = await confirmed();
  const events = heard(client);
  const { session: next } = await ok(client.refreshSession());
  assert.notEqual(next.refresh_token, session.refresh_token);
  const [was, is] = [claims(session.access_token), claims(next.access_token)];
  assert.deepEqual([is.session_id, is.sub, is.amr, is.aal], [was.session_id, was.sub, was.amr, was.aal]);
  assert.deepEqual(events.filter((e) => e !== "INITIAL_SESSION"), ["TOKEN_REFRESHED"]);
});

test("tabs that refresh at once all stay in", async () => {
  const { session } = await confirmed();
  const tabs = Array.from({ length: 8 }, () => app());
  const got = await Promise.all(tabs.map((tab) => ok(tab.refreshSession({ refresh_token: session.refresh_token }))));
  const next = new Set(got.map((g) => g.session.refresh_token));
  assert.equal(next.size, 1, "they end up with one token");
  for (const tab of tabs) await ok(tab.getUser());
  await ok(tabs[5].refreshSession());
});

test("a lost answer is given again", async () => {
  const { session } = await confirmed();
  const lost = await ok(app().refreshSession({ refresh_token: session.refresh_token }));
  const again = await ok(app().refreshSession({ refresh_token: session.refresh_token }));
  assert.equal(again.session.refresh_token, lost.session.refresh_token);
  assert.equal(claims(again.session.access_token).session_id, claims(session.access_token).session_id);
});

test("a token that comes back late ends the session, and its app hears so", async () => {
  const { session: first } = await confirmed();
  const storage = new Store(), client = app({ storage, storageKey: "here" }), events = heard(client);
  await ok(client.setSession(first));
  await ok(client.refreshSession());
  await ok(client.refreshSession());
  await fails(app().refreshSession({ refresh_token: first.refresh_token }), "refresh_token_already_used", 400);
  const kept = JSON.parse(storage.get("here"));
  storage.set("here", JSON.stringify({ ...kept, expires_at: Math.floor(Date.now() / 1000) - 1 })); // an hour later
  const { data, error } = await client.getSession();
  assert.equal(data.session, null);
  assert.ok(error);
  assert.equal(events.at(-1), "SIGNED_OUT");
  const { error: gone } = await app().getUser(kept.access_token);
  assert.equal(gone.name, "AuthSessionMissingError");
});

test("what is no refresh token is refused", async () => {
  await fails(app().refreshSession({ refresh_token: "short" }), "validation_failed", 400);
  await fails(app().refreshSession({ refresh_token: "0".repeat(68) }),
    "refresh_token_not_found", 400);
});

test("a session can be handed to another app", async () => {
  const { session, user } = await confirmed();
  const client = app(), events = heard(client);
  const set = await ok(client.setSession({ access_token: session.access_token, refresh_token: session.refresh_token }));
  assert.equal(set.user.id, user.id);
  assert.equal((await ok(client.getSession())).session.access_token, session.access_token);
  assert.deepEqual(events, ["INITIAL_SESSION", "SIGNED_IN"]);
  const late = app();
  const [head, , signature] = session.access_token.split(".");
  const body = Buffer.from(JSON.stringify({ ...claims(session.access_token), exp: 1 })).toString("base64url");
  const renewed = await ok(late.setSession({ access_token: `${head}.${body}.${signature}`, refresh_token: session.refresh_token }));
  assert.notEqual(renewed.session.refresh_token, session.refresh_token);
});

test("an app that wakes late refreshes by itself", async () => {
  const { session } = await confirmed();
  const storage = new Store([["here", JSON.stringify({ ...session, expires_at: Math.floor(Date.now() / 1000) - 1 })]]);
  const client = app({ storage, storageKey: "here", autoRefreshToken: true });
  const events = heard(client);
  const { session: next } = await ok(client.getSession());
  assert.notEqual(next.refresh_token, session.refresh_token);
  await client.stopAutoRefresh();
  assert.ok(events.includes("TOKEN_REFRESHED") || events.includes("INITIAL_SESSION"));
});

test("one signs out here, elsewhere, or everywhere", async () => {
  const { email, client: a } = await confirmed();
  const { client: b } = await signedIn(email);
  const { client: c } = await signedIn(email);
  const events = heard(a);
  await ok(a.signOut({ scope: "local" }));
  assert.equal(events.at(-1), "SIGNED_OUT");
  assert.equal((await ok(a.getSession())).session, null);
  await ok(b.getUser());
  await ok(b.signOut({ scope: "others" }));
  await ok(b.getUser());
  const { error } = await c.getUser();
  assert.equal(error.name, "AuthSessionMissingError");
  const { client: d, session } = await signedIn(email);
  await ok(b.signOut());
  assert.equal((await d.getUser()).error.name, "AuthSessionMissingError");
  const refused = await app().refreshSession({ refresh_token: session.refresh_token });
  assert.deepEqual([refused.error.status, refused.data.session], [400, null]);
  await ok(b.signOut());
});

test("there are three ways to sign out, and no other", async () => {
  const { client } = await confirmed();
  const { session } = await ok(client.getSession());
  const answer = await fetch(`${api}/logout?scope=elsewhere`, {
    method: "POST", headers: { apikey: keys.anon, Authorization: `Bearer ${session.access_token}` },
  });
  assert.deepEqual([answer.status, (await answer.json()).error_code], [400, "validation_failed"]);
  await ok(client.getUser());
});

test("somebody sees where they are signed in, and ends one of those", async () => {
  const { email, client: a, session } = await confirmed();
  const { client: b, session: other } = await signedIn(email);
  const ask = (path = "", method = "GET") => fetch(`${api}/user/sessions${path}`, {
    method, headers: { apikey: keys.anon, Authorization: `Bearer ${session.access_token}` },
  });
  const { sessions } = await (await ask()).json();
  const [mine, theirs] = [session, other].map((s) => claims(s.access_token).session_id);
  assert.deepEqual(sessions.map((s) => [s.id, s.current]).sort(), [[mine, true], [theirs, false]].sort());
  assert.equal((await ask(`/${theirs}`, "DELETE")).status, 204);
  assert.equal((await ask(`/${theirs}`, "DELETE")).status, 404);
  assert.equal((await b.getUser()).error.name, "AuthSessionMissingError");
  await ok(a.getUser());
});
