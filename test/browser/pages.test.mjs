import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { inspect, launch, makeAdministrator, password, setupPath, signUp, visit } from "./house.mjs";

let browser;
before(async () => { browser = await launch(); });
after(async () => { await browser?.close(); });

test("a new server says how to make the first administrator", async () => {
  await visit(browser, {}, async (page) => {
    await page.goto("/");
    await page.getByRole("heading", { name: "There is no administrator yet" }).waitFor();
    await page.getByRole("button", { name: "Copy command" }).waitFor();
    await inspect(page, "welcome-first-light-desktop");
  });
});

test("the first administrator is made by the keyboard alone", async () => {
  await visit(browser, {}, async (page) => {
    const path = setupPath();
    await page.goto(path);
    const press = async (...keys) => { for (const key of keys) await page.keyboard.press(key); };
    const at = () => page.evaluate(() => document.activeElement.getAttribute("name") ?? document.activeElement.textContent.trim());

    await press("Tab");
    assert.equal(await at(), "Skip to content");
    await press("Enter", "Tab");
    assert.equal(await at(), "name");
    await page.keyboard.type("Ada Lovelace");
    await press("Tab");
    await page.keyboard.type("ada@example.com");
    await press("Tab");
    await page.keyboard.type(password);
    await press("Tab", "Space");
    const field = page.getByRole("textbox", { name: "Password" });
    assert.equal(await field.getAttribute("type"), "text");
    await page.getByRole("button", { name: "Show password", pressed: true }).waitFor();
    await press("Space");
    assert.equal(await field.getAttribute("type"), "password");
    await press("Tab");
    assert.equal(await at(), "Create administrator");
    await press("Enter");

    await page.waitForURL("**/setup/next");
    await page.getByRole("heading", { name: "Next steps", level: 1 }).waitFor();
    assert.match(await page.getByRole("status").first().textContent(), /you are signed in/);
    await page.goto("/");
    assert.equal(await page.getByRole("heading", { name: "There is no administrator yet" }).count(), 0);

    const again = await page.goto(path);
    assert.equal(again.status(), 404);
    await page.getByRole("heading", { name: "This link does not work any more" }).waitFor();
  });
});

test("wrong values keep what was typed, and going back sends nothing again", async () => {
  await visit(browser, {}, async (page) => {
    const path = setupPath();
    await page.goto(path);
    await page.getByLabel("Name").fill("Grace Hopper");
    await page.getByLabel("Email").fill("grace@example.com");
    await page.getByRole("textbox", { name: "Password" }).fill("password");
    await page.getByRole("button", { name: "Create administrator" }).click();

    await page.getByRole("alert").waitFor();
    assert.equal(await page.getByLabel("Name").inputValue(), "Grace Hopper");
    assert.equal(await page.getByLabel("Email").inputValue(), "grace@example.com");
    const field = page.getByRole("textbox", { name: "Password" });
    assert.equal(await field.inputValue(), "");
    assert.equal(await field.getAttribute("aria-invalid"), "true");
    assert.equal(await page.evaluate(() => document.activeElement.id), "password");
    assert.ok(!page.url().includes("grace"), "an address holds what was typed");

    await page.reload();
    assert.equal(await page.getByRole("alert").count(), 0);
    await page.goBack();
    await makeAdministrator(page, path, "grace@example.com");
  });
});

test("everything works without JavaScript", async () => {
  await visit(browser, { javaScriptEnabled: false }, async (page) => {
    const path = setupPath();
    await page.goto(path);
    assert.equal(await page.getByRole("button", { name: "Show password" }).count(), 0);
    await page.getByLabel("Email").fill("mary@example.com");
    await page.getByRole("textbox", { name: "Password" }).fill("password");
    await page.getByRole("button", { name: "Create administrator" }).click();
    await page.getByRole("alert").waitFor();
    assert.equal(await page.getByLabel("Email").inputValue(), "mary@example.com");
    await makeAdministrator(page, path, "mary@example.com");

    await signUp("noscript@example.com");
    await page.goto("/mailbox");
    await page.getByRole("row", { name: /noscript@example\.com/ }).getByRole("link").click();
    await page.getByRole("link", { name: "Open link" }).click();
    await page.getByRole("button", { name: "Confirm email address" }).click();
    await page.getByRole("heading", { name: "Your address is confirmed" }).waitFor();
  });
});

test("an address is confirmed by a letter's link and a click", async () => {
  await signUp("jane@example.com");
  await visit(browser, {}, async (page) => {
    await page.goto("/mailbox");
    await page.getByText("Development mailbox: nothing was sent.").waitFor();
    await page.getByRole("row", { name: /jane@example\.com/ }).getByRole("link").click();
    const inside = page.frameLocator("iframe");
    await inside.getByRole("heading", { name: "Confirm your address" }).waitFor();
    await page.getByRole("link", { name: "Open link" }).click();
    const link = page.url();
    await page.reload(); // looking spends nothing
    await page.getByRole("button", { name: "Confirm email address" }).click();
    await page.getByRole("heading", { name: "Your address is confirmed" }).waitFor();

    await page.goto(link);
    await page.getByRole("button", { name: "Confirm email address" }).click();
    await page.getByRole("heading", { name: "This link does not work any more" }).waitFor();
  });
});

const looks = [
  ["light", "desktop", { width: 1280, height: 800 }], ["dark", "desktop", { width: 1280, height: 800 }],
  ["light", "mobile", { width: 390, height: 844 }], ["dark", "mobile", { width: 390, height: 844 }],
];
for (const [colorScheme, size, viewport] of looks) {
  const look = `${colorScheme}-${size}`;
  test(`every page is fit for everybody: ${look}`, async () => {
    await signUp(`${look}@example.com`);
    await visit(browser, { colorScheme, viewport, reducedMotion: "reduce" }, async (page) => {
      const see = async (name, path) => {
        await page.goto(path);
        await inspect(page, `${name}-${look}`);
      };
      await see("welcome", "/");
      await see("not-found", "/nowhere");
      await see("sign-in-first", "/setup/next");
      await see("dead-link", "/setup?token=0");
      await see("mailbox", "/mailbox");
      await page.getByRole("row", { name: new RegExp(`${look}@`) }).getByRole("link").click();
      await page.frameLocator("iframe").getByRole("heading").first().waitFor();
      await inspect(page, `letter-${look}`);
      await page.getByRole("link", { name: "Open link" }).click();
      await inspect(page, `confirm-${look}`);
      await page.getByRole("button", { name: "Confirm email address" }).click();
      await inspect(page, `confirmed-${look}`);

      const path = setupPath();
      await see("setup", path);
      await page.getByLabel("Email").fill(`admin-${look}@example.com`);
      await page.getByRole("textbox", { name: "Password" }).fill("password");
      await page.getByRole("button", { name: "Create administrator" }).click();
      await page.getByRole("alert").waitFor();
      await inspect(page, `setup-failed-${look}`);
      await makeAdministrator(page, path, `admin-${look}@example.com`);
      await inspect(page, `next-${look}`);
      await page.goto("/mailbox");
      await page.getByRole("button", { name: "Clear mailbox" }).click();
      await page.getByText("No letters yet").waitFor();
      await inspect(page, `mailbox-empty-${look}`);
    });
  });
}
