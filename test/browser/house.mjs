// What the scripts share: a browser, its visitors, and a server's links.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";

const env = (name) => {
  assert.ok(process.env[name], `${name} is not set: run this by go test`);
  return process.env[name];
};

export const url = env("HEADYKEY_URL");
export const password = "verdigris under brass";

const pictures = process.env.HEADYKEY_TEST_SCREENSHOTS;
if (pictures) mkdirSync(pictures, { recursive: true });

export function launch() {
  return chromium.launch({
    executablePath: env("CHROMIUM"),
    headless: true,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}

// visit runs story with a page of a fresh visitor. Whatever the browser complains
// of on its console (a policy that blocked something, a script that broke) fails.
export async function visit(browser, options, story) {
  const context = await browser.newContext({ baseURL: url, viewport: { width: 1280, height: 800 }, ...options });
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(21_000);
    const complaints = [];
    page.on("pageerror", (e) => complaints.push(String(e)));
    page.on("console", (m) => {
      // That an answer was a 404 is the server's business, not the page's.
      if (m.type() === "error" && !m.text().startsWith("Failed to load resource")) complaints.push(m.text());
    });
    await story(page, context);
    assert.deepEqual(complaints, [], "the browser complains");
  } finally {
    await context.close();
  }
}

// setupPath makes a link for an administrator, as an operator does.
export function setupPath() {
  const args = ["admin", "link", "--data", env("HEADYKEY_DATA")];
  const out = execFileSync(env("HEADYKEY_BINARY"), args, { encoding: "utf8", env: { PATH: process.env.PATH } });
  const found = /\/setup\?token=[0-9a-f]+/.exec(out);
  assert.ok(found, `no link in: ${out}`);
  return found[0];
}

// signUp makes an account by the API and returns once its letter is in the mailbox.
export async function signUp(email) {
  const answer = await fetch(`${url}/api/auth/register`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ email, password }),
  });
  assert.equal(answer.status, 202);
  for (const end = Date.now() + 21_000; Date.now() < end;) {
    const letters = await (await fetch(`${url}/mailbox.json?to=${encodeURIComponent(email)}`)).json();
    if (letters.length > 0) return;
    await new Promise((again) => { setTimeout(again, 34); });
  }
  assert.fail(`no letter to ${email}`);
}

// makeAdministrator fills the form behind path and ends on the next steps.
export async function makeAdministrator(page, path, email) {
  await page.goto(path);
  await page.getByLabel("Email").fill(email);
  await page.getByRole("textbox", { name: "Password" }).fill(password);
  await page.getByRole("button", { name: "Create administrator" }).click();
  await page.waitForURL("**/setup/next");
}

// inspect holds the page against WCAG 2.2 AA and against its own width, and takes
// its picture if pictures are wanted.
export async function inspect(page, name) {
  if (pictures) await page.screenshot({ path: path.join(pictures, `${name}.png`), fullPage: true });
  const { violations } = await new AxeBuilder({ page })
    .withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"])
    .exclude("iframe") // a letter, which runs no script
    .analyze();
  const told = violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(" ") + " " + n.failureSummary).join("; ")}`);
  assert.deepEqual(told, [], `${name} is not accessible`);
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(over <= 0, `${name} is ${over} px too wide`);
}
