// Enhancement only: every page works with this file blocked.
for (const button of document.querySelectorAll("[data-reveal]")) {
  const field = document.getElementById(button.dataset.reveal);
  button.hidden = false;
  const show = (on) => {
    field.type = on ? "text" : "password";
    button.setAttribute("aria-pressed", String(on));
    button.textContent = on ? "Hide" : "Show";
  };
  button.addEventListener("click", () => { show(field.type === "password"); });
  field.form.addEventListener("submit", () => { show(false); });
}
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (e) => {
    if (e.submitter) setTimeout(() => { e.submitter.setAttribute("aria-busy", "true"); }, 0);
  });
}
addEventListener("pageshow", (e) => {
  if (e.persisted) for (const b of document.querySelectorAll("[aria-busy]")) b.removeAttribute("aria-busy");
});
// The clipboard is there in secure contexts alone.
if (navigator.clipboard) for (const button of document.querySelectorAll("[data-copy]")) {
  const label = button.textContent;
  const said = document.createElement("span");
  said.className = "sr";
  said.setAttribute("role", "status");
  button.after(said);
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
    button.textContent = said.textContent = "Copied";
    setTimeout(() => { button.textContent = label; said.textContent = ""; }, 1597);
  });
}
// An answer that travels in a form goes on by itself.
for (const form of document.querySelectorAll("form[data-submit]")) form.submit();
// Who clicks as a page comes up has not read it.
for (const button of document.querySelectorAll("form[data-calm] button")) {
  button.disabled = true;
  setTimeout(() => { button.disabled = false; }, 500);
}
