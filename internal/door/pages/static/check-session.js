// OpenID Connect Session Management 1.0 §3.2: tells a page of an app whether the
// sign-in that its session_state is of is still the one of this browser. Whoever asks
// is part of the hash, so that others learn nothing but "changed".
const cookie = "__heady_state=";

async function stateFor(client, origin, salt) {
  const found = document.cookie.split("; ").find((pair) => pair.startsWith(cookie));
  const browser = found ? found.slice(cookie.length) : "";
  const text = new TextEncoder().encode([client, origin, browser, salt].join(" "));
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", text));
  return Array.from(sum, (byte) => byte.toString(16).padStart(2, "0")).join("") + "." + salt;
}

async function answer(question, origin) {
  const parts = typeof question === "string" ? question.split(" ") : [];
  const [client, state] = parts;
  const dot = state ? state.indexOf(".") : -1;
  if (parts.length !== 2 || !client || dot < 1 || dot === state.length - 1) return "error";
  return state === await stateFor(client, origin, state.slice(dot + 1)) ? "unchanged" : "changed";
}

addEventListener("message", async (e) => {
  // A frame without an origin of its own cannot be answered: anybody could listen.
  if (!e.source || e.source === window || !/^https?:\/\//.test(e.origin)) return;
  e.source.postMessage(await answer(e.data, e.origin), e.origin);
});
