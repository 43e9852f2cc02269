// <form data-guard>: its save bar appears when something changed, and leaving with changes asks first.
(() => {
  const text = (form) =>
    JSON.stringify([...new FormData(form)].filter(([name]) => name !== "csrfmiddlewaretoken").map(([name, value]) => [name, value.name ?? value]));

  ui.widget("form[data-guard]", (form) => {
    const start = form.matches("[data-dirty]") || form.querySelector("[aria-invalid=true]") ? "" : text(form);
    let sending = false;
    const dirty = () => text(form) !== start;
    const show = () => form.querySelector("[data-save-bar]")?.classList.toggle("is-dirty", dirty());
    form.addEventListener("input", show);
    form.addEventListener("change", show);
    form.addEventListener("rows-changed", show);
    form.addEventListener("submit", () => (sending = true));
    form.addEventListener("htmx:finally:request", () => (sending = false));
    form.addEventListener("click", (e) => e.target.closest("[data-discard]") && (sending = true));
    window.addEventListener("beforeunload", (e) => form.isConnected && !sending && dirty() && e.preventDefault());
    document.addEventListener("keydown", (e) => {
      if ((e.ctrlKey || e.metaKey) && e.key === "s" && dirty()) {
        e.preventDefault();
        form.requestSubmit();
      }
    });
    show();
  });
})();
