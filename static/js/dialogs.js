// Native dialogs: [data-dialog=id] opens, [data-dialog-close] closes; [data-confirm] asks before a form is sent.
(() => {
  const open = (dialog) => dialog && !dialog.open && dialog.showModal();

  ui.openDialog = (id) => open(document.getElementById(id));
  ui.on("click", "[data-dialog]", (e, button) => {
    const dialog = document.getElementById(button.dataset.dialog);
    if (!dialog) return;
    e.preventDefault();
    open(dialog);
  });
  ui.on("click", "[data-dialog-close]", (e, button) => button.closest("dialog").close());
  document.addEventListener("click", (e) => {
    if (e.target.matches("dialog.sheet") && e.detail > 0) {
      const box = e.target.getBoundingClientRect();
      const inside = e.clientX >= box.left && e.clientX <= box.right && e.clientY >= box.top && e.clientY <= box.bottom;
      if (!inside) e.target.close();
    }
  });
  document.addEventListener("close-dialog", () => document.querySelector("dialog[open]")?.close());
  // Content that htmx puts into a dialog opens it.
  document.addEventListener("htmx:after:swap", (e) => {
    const target = e.detail?.ctx?.target;
    const dialog = target?.closest?.("dialog[data-open-on-swap]");
    if (dialog && target.innerHTML.trim()) open(dialog);
  });
  ui.widget("dialog[data-open]", open);

  // Resolves to true when the person agrees. Options: text, confirmTitle, confirmYes, confirmWord (must be typed), danger.
  ui.confirm = ({ text, confirmTitle, confirmYes, confirmWord, danger }) => {
    const dialog = document.getElementById("confirm");
    const part = (name) => dialog.querySelector(`[data-confirm-${name}]`);
    const yes = part("yes");
    const typed = part("typed");
    const input = typed.querySelector("input");
    const title = part("title");
    title.dataset.default ||= title.textContent;
    title.textContent = confirmTitle || title.dataset.default;
    part("text").textContent = text || "";
    yes.textContent = confirmYes || yes.dataset.default;
    yes.classList.toggle("btn-error", Boolean(danger));
    yes.classList.toggle("btn-primary", !danger);
    typed.hidden = !confirmWord;
    part("word").textContent = confirmWord || "";
    input.value = "";
    const check = () => (yes.disabled = Boolean(confirmWord) && input.value.trim() !== confirmWord);
    input.oninput = check;
    check();
    dialog.returnValue = "no";
    dialog.showModal();
    (confirmWord ? input : danger ? part("no") : yes).focus();
    return new Promise((resolve) =>
      dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }),
    );
  };

  ui.on(
    "click",
    "button[data-confirm]",
    (e, button) => {
      if (button.dataset.agreed || button.hasAttribute("hx-confirm")) {
        delete button.dataset.agreed;
        return;
      }
      e.preventDefault();
      e.stopPropagation();
      const danger = button.matches(".btn-error, .btn-outline-danger, .is-danger");
      ui.confirm({ text: button.dataset.confirm, ...button.dataset, danger }).then((yes) => {
        if (!yes) return;
        button.dataset.agreed = "1";
        button.click();
      });
    },
    true,
  );
})();
