// What the scripts of every folder share: their settings, headykey's commands, and
// visitors who hear what the browser complains of. Packages of npm stay in the
// folders, so a script starts its browser itself.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";

// env is a setting from the Go test that runs the script.
export const env = (name) => {
  assert.ok(process.env[name], `${name} is not set: run this by go test`);
  return process.env[name];
};

// operate runs headykey on the server's data, as an operator does.
export function operate(args, input = "") {
  return execFileSync(env("HEADYKEY_BINARY"), [...args, "--data", env("HEADYKEY_DATA")],
    { encoding: "utf8", input, env: { PATH: process.env.PATH }, stdio: ["pipe", "pipe", "pipe"] });
}

// launch starts a browser of playwright-core, with more arguments of Chromium.
export function launch(chromium, ...more) {
  return chromium.launch({
    executablePath: env("CHROMIUM"),
    headless: true,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync", ...more],
  });
}

// visit runs story with a page of a fresh visitor, and returns what it returns.
// Whatever the browser complains of on its console (a policy that blocked something,
// a script that broke) fails.
export async function visit(browser, options, story) {
  const context = await browser.newContext(options);
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(21_000);
    const complaints = [];
    page.on("pageerror", (e) => complaints.push(String(e)));
    page.on("console", (m) => {
      // That an answer was a 404 is the server's business, not the page's.
      if (m.type() === "error" && !m.text().startsWith("Failed to load resource")) complaints.push(m.text());
    });
    const result = await story(page, context);
    assert.deepEqual(complaints, [], "the browser complains");
    return result;
  } finally {
    await context.close();
  }
}
