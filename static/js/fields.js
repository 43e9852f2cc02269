// Small helps for fields: autosubmit, busy buttons, reveal, growing textareas, dropping files, fields that depend on others.
(() => {
  const submit = (form) => form.requestSubmit();
  let typing;
  ui.on("change", "form[data-autosubmit]", (e, form) => e.target.type !== "search" && submit(form));
  ui.on("input", "form[data-autosubmit] input[type=search]", (e, input) => {
    clearTimeout(typing);
    typing = setTimeout(() => submit(input.form), 350);
  });
  // Empty filters stay out of the address.
  ui.on("formdata", "form[data-autosubmit][method=get]", (e) => {
    for (const [name, value] of [...e.formData]) if (value === "") e.formData.delete(name);
  });

  document.addEventListener("submit", (e) => {
    const button = e.submitter;
    if (!button || e.defaultPrevented || e.target.method === "dialog") return;
    // After this tick, so that the button's own name is still sent.
    setTimeout(() => {
      button.classList.add("is-busy");
      if (e.target.method === "post") button.disabled = true;
    });
  });
  // Back from the next page: the browser may show this one as it was left.
  window.addEventListener("pageshow", (e) => {
    if (!e.persisted) return;
    document.querySelectorAll(".is-busy").forEach((button) => {
      button.classList.remove("is-busy");
      button.disabled = false;
    });
  });

  ui.on("click", "[data-reveal]", (e, button) => {
    const input = button.parentElement.querySelector("input");
    input.type = input.type === "password" ? "text" : "password";
    button.setAttribute("aria-pressed", String(input.type === "text"));
  });

  ui.widget("textarea[data-autosize]", (area) => {
    if (CSS.supports("field-sizing", "content")) return; // the stylesheet does it, without a style attribute
    const fit = () => {
      area.style.height = "auto";
      area.style.height = `${Math.min(area.scrollHeight + 2, 640)}px`;
    };
    area.addEventListener("input", fit);
    area.closest("[role=tabpanel]")?.addEventListener("tab-open", fit);
    fit();
  });

  ui.widget("[data-drop-zone]", (zone) => {
    const input = zone.querySelector("input");
    const name = zone.querySelector("[data-drop-name]");
    const over = (on) => zone.classList.toggle("is-over", on);
    ["dragenter", "dragover"].forEach((type) =>
      zone.addEventListener(type, (e) => {
        e.preventDefault();
        over(true);
      }),
    );
    zone.addEventListener("dragleave", () => over(false));
    zone.addEventListener("drop", (e) => {
      e.preventDefault();
      over(false);
      input.files = e.dataTransfer.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    });
    const show = () => (name.textContent = input.files[0]?.name || name.dataset.default);
    input.addEventListener("change", show);
    show(); // a file may have been chosen before this script ran
  });

  // [data-show-when="name=value|value"]: shown while that field of the same form has one of these values.
  ui.widget("[data-show-when]", (part) => {
    const [name, values] = part.dataset.showWhen.split("=");
    const form = part.closest("form");
    const check = () => {
      const field = form.elements[name];
      if (!field) return;
      const value = field.type === "checkbox" ? (field.checked ? "on" : "") : field.value;
      part.hidden = !values.split("|").includes(value);
    };
    form.addEventListener("change", check);
    check();
  });
})();
