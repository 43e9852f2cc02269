// The browsable API: sends what was typed into the fields, or the raw JSON, and shows what came back.
(() => {
  const typed = (field) => {
    const text = field.value.trim();
    const kind = field.dataset.kind;
    if (kind === "integer" || kind === "number") return Number.isNaN(Number(text)) ? text : Number(text);
    if (kind === "boolean") return text === "true";
    if (kind === "json") return JSON.parse(text);
    return field.value;
  };
  const fieldsOf = (form) => [...form.querySelectorAll("[data-api-fields] [data-kind]")];
  const isRaw = (form) => form.querySelector("[data-api-raw]")?.hidden === false;

  const composed = (form) => {
    const body = {};
    for (const field of fieldsOf(form)) {
      const isChanged = field.value !== field.dataset.initial;
      if ("changes" in form.dataset && !isChanged) continue;
      if (field.value.trim()) body[field.name] = typed(field);
      else if ("changes" in form.dataset) body[field.name] = "nullable" in field.dataset || field.dataset.kind !== "text" ? null : "";
    }
    return body;
  };

  const show = (form, status, text) => {
    form.querySelector("[data-api-status]").textContent = status;
    form.querySelector("[data-api-answer]").textContent = text;
    form.querySelector("[data-api-result]").hidden = false;
    form.querySelector("[data-api-result]").scrollIntoView({ block: "nearest" });
  };

  ui.widget("[data-api-form]", (form) => {
    for (const field of fieldsOf(form)) field.dataset.initial = field.value;
  });

  ui.on("click", "[data-api-mode]", (e, button) => {
    const form = button.closest("form");
    const raw = button.dataset.apiMode === "raw";
    if (raw && !isRaw(form)) {
      try {
        const body = composed(form);
        if (Object.keys(body).length) form.querySelector("[name=api-raw-body]").value = JSON.stringify(body, null, 2);
      } catch {
        // What was typed is no JSON yet: the example stays.
      }
    }
    for (const part of form.querySelectorAll("[data-api-fields]")) part.hidden = raw;
    form.querySelector("[data-api-raw]").hidden = !raw;
    for (const one of form.querySelectorAll("[data-api-mode]")) {
      if (one === button) one.setAttribute("aria-current", "true");
      else one.removeAttribute("aria-current");
    }
  });

  const bodyOf = (form) => {
    if (!form.querySelector("[data-api-raw]")) return undefined;
    if (!isRaw(form)) return JSON.stringify(composed(form));
    const text = form.querySelector("[name=api-raw-body]").value;
    JSON.parse(text);
    return text;
  };

  ui.on("submit", "[data-api-form]", async (e, form) => {
    e.preventDefault();
    let body;
    try {
      body = bodyOf(form);
    } catch {
      return show(form, form.dataset.badJson, "");
    }
    if (form.dataset.confirmText) {
      const agreed = await ui.confirm({
        text: form.dataset.confirmText,
        confirmYes: form.dataset.confirmLabel,
        danger: true,
      });
      if (!agreed) return undefined;
    }
    try {
      const answer = await fetch(form.dataset.path, {
        method: form.dataset.method,
        headers: {
          "Content-Type": "application/json",
          Accept: "application/json",
          "X-CSRFToken": form.querySelector("[name=csrfmiddlewaretoken]").value,
        },
        body,
      });
      const text = await answer.text();
      let shown = text;
      try {
        shown = JSON.stringify(JSON.parse(text), null, 2);
      } catch {
        // Not JSON: shown as it came.
      }
      return show(form, `${answer.status} ${answer.statusText}`, shown);
    } catch {
      return show(form, form.dataset.failed, "");
    }
  });
})();
