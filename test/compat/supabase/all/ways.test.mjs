// Other ways in: wallets, ID tokens of other issuers, and what is not offered.
import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { test } from "node:test";
import { secp256k1 } from "@noble/curves/secp256k1";
import { keccak_256 } from "@noble/hashes/sha3";
import {
  address, api, app, claims, confirmed, fails, idToken, issuer, issuerClient, keys, ok, operator, password, site,
} from "../house.mjs";

// oauthFails awaits an answer with a failure as OAuth spells it.
async function oauthFails(answer, status = 400) {
  const { data, error } = await answer;
  assert.ok(error, "this should fail");
  assert.deepEqual([error.name, error.status, data.session], ["AuthApiError", status, null], error.message);
}

const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

// base58 spells the address of a Solana wallet.
function base58(bytes) {
  let n = BigInt(`0x${Buffer.from(bytes).toString("hex")}`), out = "";
  for (; n > 0n; n /= 58n) out = alphabet[Number(n % 58n)] + out;
  return "1".repeat(bytes.findIndex((b) => b !== 0)) + out;
}

// solana is a new wallet.
function solana() {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const account = base58(Buffer.from(publicKey.export({ format: "jwk" }).x, "base64url"));
  return {
    account,
    publicKey: { toBase58: () => account },
    signMessage: async (message) => new Uint8Array(sign(null, message, privateKey)),
  };
}

// ethereum is a new wallet.
function ethereum() {
  const key = secp256k1.utils.randomPrivateKey();
  const point = secp256k1.getPublicKey(key, false).slice(1);
  const account = `0x${Buffer.from(keccak_256(point).slice(-20)).toString("hex")}`;
  const seal = (message) => {
    const head = Buffer.from(`\x19Ethereum Signed Message:\n${message.length}`);
    const s = secp256k1.sign(keccak_256(Buffer.concat([head, message])), key);
    return `0x${s.toCompactHex()}${(27 + s.recovery).toString(16)}`;
  };
  const answers = {
    eth_requestAccounts: () => [account],
    eth_chainId: () => "0x1",
    personal_sign: ([message]) => seal(Buffer.from(message.slice(2), "hex")),
  };
  return { account, seal, request: async ({ method, params }) => answers[method](params) };
}

for (const [chain, make] of Object.entries({ solana, ethereum })) {
  const enter = (wallet, url = `${site}/`, more = {}) =>
    app().signInWithWeb3({ chain, wallet, statement: "I know what I sign.", options: { url, ...more } });

  test(`a wallet of ${chain} is an identity`, async () => {
    const wallet = make();
    const { user, session } = await ok(enter(wallet));
    assert.deepEqual([user.email, user.is_anonymous, user.app_metadata.provider], ["", false, "web3"]);
    assert.equal(user.identities.length, 1);
    const [identity] = user.identities;
    assert.equal(identity.id, `web3:${chain}:${wallet.account}`);
    assert.equal(identity.identity_data.custom_claims.address, wallet.account);
    assert.equal(claims(session.access_token).amr[0].method, "web3");
    const again = await ok(enter(wallet, `${site}/again`));
    assert.equal(again.user.id, user.id);
    const other = await ok(enter(make()));
    assert.notEqual(other.user.id, user.id);
  });

  test(`what a wallet of ${chain} signs for others is refused`, async () => {
    await oauthFails(enter(make(), "https://stranger.example/"));
    await oauthFails(enter(make(), "http://app.example/"));
  });

  test(`a message of ${chain} that is not of now is refused`, async () => {
    const hour = 3_600_000, at = (offset) => new Date(Date.now() + offset);
    const name = chain === "solana" ? "signInWithSolana" : "signInWithEthereum";
    const moments = chain === "solana" ? (o) => at(o).toISOString() : at;
    for (const wish of [{ issuedAt: moments(-hour) }, { expirationTime: moments(-hour) }, { notBefore: moments(hour) }]) {
      await oauthFails(enter(make(), `${site}/`, { [name]: wish }));
    }
  });
}

test("a signed message works once", async () => {
  const wallet = ethereum();
  let sent;
  const noting = { request: async (q) => {
    const a = await wallet.request(q);
    if (q.method === "personal_sign") sent = { message: Buffer.from(q.params[0].slice(2), "hex").toString(), signature: a };
    return a;
  } };
  await ok(app().signInWithWeb3({ chain: "ethereum", wallet: noting, statement: "Once.", options: { url: `${site}/` } }));
  await oauthFails(app().signInWithWeb3({ chain: "ethereum", ...sent }));
  const forged = sent.message.replace("Once.", "More.");
  await oauthFails(app().signInWithWeb3({ chain: "ethereum", message: forged, signature: sent.signature }));
});

test("no other chain is known", async () => {
  const answer = await fetch(`${api}/token?grant_type=web3`, {
    method: "POST", headers: { apikey: keys.anon }, body: JSON.stringify({ chain: "dogecoin", message: "m".repeat(100), signature: "s".repeat(86) }),
  });
  assert.deepEqual([answer.status, (await answer.json()).error_code], [400, "web3_unsupported_chain"]);
});

// google signs somebody in of whom the issuer, which the server knows as Google, says so.
const google = async (said, more = {}) => app().signInWithIdToken({ provider: "google", token: await idToken(said), ...more });

test("somebody known elsewhere comes in by an ID token", async () => {
  const email = address(), sub = `sub-${email}`;
  const { user, session } = await ok(google({ sub, email, name: "Ada Lovelace", picture: `${site}/ada.png` }));
  assert.deepEqual([user.email, user.app_metadata], [email, { provider: "google", providers: ["google"] }]);
  assert.ok(user.email_confirmed_at);
  assert.equal(user.user_metadata.full_name, "Ada Lovelace");
  const [identity] = user.identities;
  assert.deepEqual([identity.provider, identity.id, identity.identity_data.email], ["google", sub, email]);
  assert.equal(claims(session.access_token).amr[0].method, "oauth");
  const again = await ok(google({ sub, email }));
  assert.equal(again.user.id, user.id);
});

test("a nonce binds the token to the app that asked", async () => {
  const nonce = "that no one else knows", hashed = createHash("sha256").update(nonce).digest("hex");
  await ok(google({ email: address(), nonce: hashed }, { nonce }));
  await oauthFails(google({ email: address(), nonce: hashed }, { nonce: "another" }));
  await oauthFails(google({ email: address(), nonce: hashed }));
  await oauthFails(google({ email: address() }, { nonce }));
});

test("an ID token for others, of others, or of yesterday is refused", async () => {
  const now = Math.floor(Date.now() / 1000);
  await oauthFails(google({ aud: "another app" }));
  await oauthFails(google({ iss: "https://stranger.example" }));
  await oauthFails(google({ iat: now - 86_400, exp: now - 3_600 }));
  const [head, body, signature] = (await idToken()).split(".");
  const forged = Buffer.from(JSON.stringify({ ...JSON.parse(Buffer.from(body, "base64url")), sub: "ada" })).toString("base64url");
  await oauthFails(app().signInWithIdToken({ provider: "google", token: `${head}.${forged}.${signature}` }));
  const off = await app().signInWithIdToken({ provider: "kakao", token: await idToken() });
  assert.deepEqual([off.error.status, off.data.session], [400, null]);
});

test("an address that both sides have proven is one account", async () => {
  const { email, user } = await confirmed();
  const { user: same } = await ok(google({ email }));
  assert.equal(same.id, user.id);
  assert.deepEqual(same.identities.map((i) => i.provider).sort(), ["email", "google"]);
});

test("an address that nobody has proven is not", async () => {
  const { email, user } = await confirmed();
  const { data } = await google({ email, email_verified: false });
  assert.notEqual(data.user?.id, user.id);
  const waiting = address();
  const { user: squatter } = await ok(app().signUp({ email: waiting, password }));
  const { data: owner } = await google({ email: waiting });
  if (owner.user) {
    await fails(app().signInWithPassword({ email: waiting, password }), "invalid_credentials", 400);
    assert.ok(owner.user.id !== squatter.id || !owner.user.identities.some((i) => i.provider === "email"));
  }
});

test("an identity is linked, and unlinked, by its owner", async () => {
  const { client: ada, user } = await confirmed();
  const token = await idToken({ email: address() });
  const linked = await ok(ada.linkIdentity({ provider: "google", token }));
  assert.deepEqual([linked.user.id, linked.user.identities.length], [user.id, 2]);
  const { client: grace } = await confirmed();
  const taken = await grace.linkIdentity({ provider: "google", token });
  assert.ok(taken.error.status === 422 || taken.error.status === 400, String(taken.error));
  const { identities } = await ok(ada.getUserIdentities());
  await fails(grace.unlinkIdentity(identities[1]), "single_identity_not_deletable", 422);
  await ok(ada.unlinkIdentity(identities.find((i) => i.provider === "google")));
  assert.equal((await ok(ada.getUserIdentities())).identities.length, 1);
});

test("a provider of our own making counts, too", async () => {
  const custom = operator().customProviders;
  const identifier = `custom:compat-${process.pid}`;
  const made = await ok(custom.createProvider({
    provider_type: "oidc", identifier, name: "Compat", client_id: issuerClient, client_secret: "not told again", issuer, scopes: ["openid"],
  }));
  assert.deepEqual([made.identifier, made.client_secret, made.enabled], [identifier, undefined, true]);
  await fails(custom.createProvider({ provider_type: "oidc", identifier: "google", name: "x", client_id: "x", client_secret: "x", issuer }), "validation_failed", 400);
  assert.ok((await ok(custom.listProviders())).providers.some((p) => p.identifier === identifier));
  assert.ok((await ok(custom.listProviders({ type: "oauth2" }))).providers.every((p) => p.provider_type === "oauth2"));
  const { user } = await ok(app().signInWithIdToken({ provider: identifier, token: await idToken({ email: address() }) }));
  assert.equal(user.app_metadata.provider, identifier);
  assert.equal((await ok(custom.updateProvider(identifier, { name: "Compat again" }))).name, "Compat again");
  assert.equal((await ok(custom.getProvider(identifier))).name, "Compat again");
  await ok(custom.deleteProvider(identifier));
  await fails(custom.getProvider(identifier), "custom_provider_not_found", 404);
});

test("second factors are not offered, and say so", async () => {
  const { client: ada } = await confirmed();
  const nothing = "34d5f2a8-1597-4c6c-9e32-2b4c8d0d8f55";
  await fails(ada.mfa.enroll({ factorType: "totp" }), "mfa_totp_enroll_not_enabled", 422);
  await fails(ada.mfa.enroll({ factorType: "phone", phone: "4915112345678" }), "mfa_phone_enroll_not_enabled", 422);
  await fails(ada.mfa.enroll({ factorType: "webauthn", friendlyName: "key" }), "mfa_webauthn_enroll_not_enabled", 422);
  await fails(ada.mfa.challenge({ factorId: nothing }), "mfa_factor_not_found", 404);
  await fails(ada.mfa.verify({ factorId: nothing, challengeId: nothing, code: "123456" }), "mfa_factor_not_found", 404);
  await fails(ada.mfa.challengeAndVerify({ factorId: nothing, code: "123456" }), "mfa_factor_not_found", 404);
  await fails(ada.mfa.unenroll({ factorId: nothing }), "mfa_factor_not_found", 404);
  assert.deepEqual((await ok(ada.mfa.listFactors())).all, []);
  const { currentLevel, nextLevel } = await ok(ada.mfa.getAuthenticatorAssuranceLevel());
  assert.deepEqual([currentLevel, nextLevel], ["aal1", "aal1"]);
  const nobody = app();
  await ok(nobody.signInAnonymously());
  await fails(nobody.mfa.enroll({ factorType: "totp" }), "no_authorization", 403);
});

test("passkeys are not offered, and say so", async () => {
  const { client: ada } = await confirmed();
  await fails(ada.passkey.list(), "passkey_disabled", 404);
  await fails(ada.passkey.startRegistration(), "passkey_disabled", 404);
  await fails(app().passkey.startAuthentication(), "passkey_disabled", 404);
  await fails(ada.passkey.delete({ passkeyId: "34d5f2a8-1597-4c6c-9e32-2b4c8d0d8f55" }), "passkey_disabled", 404);
});

test("single sign-on of companies is not offered, and says so", async () => {
  await fails(app().signInWithSSO({ domain: "example.com" }), "saml_provider_disabled", 404);
  await fails(app().signInWithSSO({ providerId: "34d5f2a8-1597-4c6c-9e32-2b4c8d0d8f55" }), "saml_provider_disabled", 404);
});

test("a provider that is not set up says so before the person leaves", async () => {
  const { url } = await ok(app().signInWithOAuth({ provider: "github", options: { skipBrowserRedirect: true, redirectTo: site } }));
  const answer = await fetch(url, { redirect: "manual" });
  assert.deepEqual([answer.status, (await answer.json()).error_code], [400, "validation_failed"]);
});

test("an outcome that nobody waits for leads to the site", async () => {
  const answer = await fetch(`${api}/callback?state=forged&code=forged`, { redirect: "manual" });
  assert.equal(answer.status, 303);
  const at = new URL(answer.headers.get("location"));
  assert.deepEqual([at.origin, at.searchParams.get("error"), at.searchParams.get("error_code")], [site, "invalid_request", "bad_oauth_state"]);
});
