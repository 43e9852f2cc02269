// The assistant's editor: a new provider or model asks the server for its settings; tools as cards; a secret made here.
(() => {
  ui.on("change", "[data-part] select", (e, select) => {
    if (!/_config\.(provider|model)$/.test(select.name)) return;
    const part = select.closest("[data-part]");
    // htmx copies style attributes to the new inputs of the same id, which the policy forbids.
    part.querySelectorAll("[style]").forEach((input) => input.removeAttribute("style"));
    part.dispatchEvent(new CustomEvent("part-change"));
  });

  const changed = (form) => form.dispatchEvent(new CustomEvent("rows-changed", { bubbles: true }));
  ui.on("click", "[data-tool-remove]", (e, button) => {
    e.preventDefault();
    const form = button.form;
    button.closest("[data-tool]").remove();
    changed(form);
  });
  ui.on("input", "[data-tool] input", (e, input) => {
    if (/^tools-[^-]+-name$/.test(input.name)) input.closest("[data-tool]").querySelector("[data-tool-title]").textContent = input.value;
  });
  // A card that htmx has just brought is the one to fill in.
  let ready = false;
  ui.widget("[data-tools] > [data-tool]", (card) => {
    if (!ready) return;
    card.querySelector("input:not([type=hidden]), textarea")?.focus();
    card.scrollIntoView({ block: "nearest" });
    changed(card.closest("form"));
  });
  // A template was copied into the inputs: they wait for saving.
  ui.widget("[data-analysis]", (part) => { if (ready) changed(part.closest("form")); });
  // An error inside a folded part opens it.
  document.querySelectorAll("form [aria-invalid=true]").forEach((input) => {
    for (let part = input.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
  });
  ready = true;
  // A form that came back says so at its top, whatever tab the address names.
  addEventListener("load", () => setTimeout(() => document.querySelector("[data-conflict], [data-form-errors]") && scrollTo(0, 0)));

  // On a phone the bar scrolls: the open tab stays in sight.
  const show = (panel) => {
    const tab = document.getElementById(`tab-${panel.id}`);
    const bar = tab?.parentElement;
    bar?.scrollTo({ left: tab.offsetLeft - (bar.clientWidth - tab.offsetWidth) / 2 });
  };
  document.addEventListener("tab-open", (e) => show(e.target));
  const open = document.querySelector(".editor-body > .tab-panel:not(.js-hidden)");
  if (open) show(open);

  const letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789";
  const secretOf = (button) => button.closest("[data-generate]").querySelector("input");
  ui.on("click", "[data-generate-secret]", (e, button) => {
    const input = secretOf(button);
    input.value = "whsec_" + [...crypto.getRandomValues(new Uint8Array(32))].map((byte) => letters[byte % letters.length]).join("");
    input.type = "text";
    input.dispatchEvent(new Event("input", { bubbles: true }));
    input.focus();
    input.select();
  });
  ui.on("click", "[data-copy-secret]", async (e, button) => {
    const { value } = secretOf(button);
    if (value) await navigator.clipboard.writeText(value);
    secretOf(button).focus();
  });
})();
