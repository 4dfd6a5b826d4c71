// Letters whose outcome is a code that only the app which asked can exchange.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Store, address, app, claims, click, confirmed, fails, fragment, heard, letter, ok, password, site } from "../house.mjs";

const pkce = (storage = new Store()) => app({ flowType: "pkce", storage });

test("a sign-up ends in a code, which its own app exchanges, once", async () => {
  const email = address(), storage = new Store(), client = pkce(storage), events = heard(client);
  await ok(client.signUp({ email, password, options: { emailRedirectTo: `${site}/cb?next=%2Fhome` } }));
  const { link, token } = await letter(email);
  assert.match(token, /^pkce_/);
  const kept = new Store(storage);
  const at = await click(link);
  assert.equal(at.searchParams.get("next"), "/home");
  assert.equal(at.hash, "", "no token is in an address");
  const code = at.searchParams.get("code");
  const stranger = await pkce().exchangeCodeForSession(code);
  assert.equal(stranger.error.name, "AuthPKCECodeVerifierMissingError");
  const { user, session } = await ok(client.exchangeCodeForSession(code));
  assert.equal(user.email, email);
  assert.equal(claims(session.access_token).amr[0].method, "email/signup");
  assert.deepEqual(events, ["INITIAL_SESSION", "SIGNED_IN"]);
  await fails(pkce(kept).exchangeCodeForSession(code), "flow_state_not_found", 404);
});

test("another app's verifier does not fit, and does not spend the code", async () => {
  const { email } = await confirmed();
  const client = pkce(), thief = pkce();
  await ok(thief.signInWithOtp({ email: address() }));
  await ok(client.signInWithOtp({ email }));
  const at = await click((await letter(email)).link);
  const code = at.searchParams.get("code");
  await fails(thief.exchangeCodeForSession(code), "bad_code_verifier", 400);
  const { session } = await ok(client.exchangeCodeForSession(code));
  assert.equal(claims(session.access_token).amr[0].method, "magiclink");
});

test("a code that never was is not found", async () => {
  const client = pkce();
  await ok(client.signInWithOtp({ email: address() }));
  await fails(client.exchangeCodeForSession("34d5f2a8-1597-4c6c-9e32-2b4c8d0d8f55"), "flow_state_not_found", 404);
});

test("a recovery says so to the app", async () => {
  const { email } = await confirmed();
  const client = pkce(), events = heard(client);
  await ok(client.resetPasswordForEmail(email, { redirectTo: `${site}/new-password` }));
  const at = await click((await letter(email)).link);
  assert.equal(at.pathname, "/new-password");
  const { redirectType, session } = await ok(client.exchangeCodeForSession(at.searchParams.get("code")));
  assert.equal(redirectType, "recovery");
  assert.equal(claims(session.access_token).amr[0].method, "recovery");
  assert.deepEqual(events, ["INITIAL_SESSION", "PASSWORD_RECOVERY"]);
});

test("the code to type in needs no verifier", async () => {
  const { email } = await confirmed();
  await ok(pkce().signInWithOtp({ email }));
  const { code } = await letter(email);
  await ok(app().verifyOtp({ type: "email", email, token: code }));
});

test("a change of address ends in a code with its second letter", async () => {
  const { email, user } = await confirmed(), next = address();
  const client = pkce();
  await ok(client.signInWithPassword({ email, password }));
  await ok(client.updateUser({ email: next }, { emailRedirectTo: `${site}/moved` }));
  const half = await click((await letter(email)).link);
  assert.match(fragment(half).message, /other email/);
  const at = await click((await letter(next)).link);
  const { user: moved } = await ok(client.exchangeCodeForSession(at.searchParams.get("code")));
  assert.deepEqual([moved.id, moved.email, moved.new_email], [user.id, next, undefined]);
});

test("a link of such a letter that was used says so", async () => {
  const { email } = await confirmed();
  await ok(pkce().signInWithOtp({ email }));
  const { link } = await letter(email);
  await click(link);
  const again = await click(link);
  assert.equal(again.searchParams.get("error_code"), "otp_expired");
  assert.equal(again.searchParams.get("code"), null);
});

test("several flows may be under way in one app", async () => {
  const { email } = await confirmed();
  const client = app({ flowType: "pkce", experimental: { appendPkceFlowIdToRedirects: true } });
  await ok(client.signInWithOtp({ email, options: { emailRedirectTo: `${site}/first` } }));
  const first = await letter(email);
  await ok(client.resetPasswordForEmail(email, { redirectTo: `${site}/second` }));
  const second = await letter(email);
  for (const [{ link }, path] of [[second, "/second"], [first, "/first"]]) {
    const at = await click(link);
    assert.equal(at.pathname, path);
    const { user } = await ok(client.exchangeCodeForSession(at.searchParams.get("code"), { flowId: at.searchParams.get("sb_flow_id") }));
    assert.equal(user.email, email);
  }
});
