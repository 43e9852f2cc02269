// The API's documentation: search, one language for all samples, and requests that are really sent.
(() => {
  ui.widget("[data-docs-search]", (input) => {
    const groups = [...document.querySelectorAll("[data-docs-group]")];
    const before = groups.map((group) => group.open);
    const none = document.querySelector("[data-docs-none]");
    const filter = () => {
      const words = input.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
      let count = 0;
      groups.forEach((group, index) => {
        const title = group.querySelector("summary").textContent.toLowerCase();
        let shown = 0;
        for (const entry of group.querySelectorAll("[data-docs-entry]")) {
          const text = `${title} ${entry.dataset.docsEntry}`;
          entry.hidden = !words.every((word) => text.includes(word));
          if (!entry.hidden) shown += 1;
        }
        group.hidden = !shown;
        group.open = words.length ? shown > 0 : before[index];
        count += shown;
      });
      none.hidden = count > 0;
    };
    input.addEventListener("input", filter);
  });

  ui.on("click", "[data-docs-group] a", () => delete document.documentElement.dataset.drawer);
  // One click chooses the language of every sample of the page.
  ui.on("click", "[data-docs-sample] > summary", (e, summary) => {
    const chosen = summary.parentElement;
    if (chosen.open) return;
    for (const sample of document.querySelectorAll("[data-docs-sample]")) {
      if (sample !== chosen && sample.dataset.docsSample === chosen.dataset.docsSample) sample.open = true;
    }
  });
  ui.on("submit", "[data-docs-key]", (e) => e.preventDefault());

  const request = (form) => {
    const headers = { Accept: "application/json" };
    const query = new URLSearchParams();
    let path = form.dataset.path;
    for (const field of form.querySelectorAll("[data-in]")) {
      const value = field.value.trim();
      if (field.dataset.in === "path") path = path.replace(`{${field.name}}`, encodeURIComponent(value));
      else if (value && field.dataset.in === "query") query.append(field.name, value);
      else if (value) headers[field.name] = value;
    }
    const key = document.querySelector("[data-docs-key] [name=key]")?.value.trim();
    if (key) headers.Authorization = `Bearer ${key}`;
    const area = form.querySelector("[name=docs-body]");
    const options = { method: form.dataset.method, headers, credentials: "omit" };
    if (area) {
      headers["Content-Type"] = "application/json";
      options.body = area.value;
    }
    return [path + (query.size ? `?${query}` : ""), options];
  };

  const show = (form, status, headers, body, time) => {
    const part = (name) => form.querySelector(`[data-docs-${name}]`);
    part("status").textContent = status;
    part("time").textContent = time;
    part("headers").textContent = headers;
    part("body").textContent = body;
    part("result").hidden = false;
  };

  ui.on("submit", "[data-docs-try]", async (e, form) => {
    e.preventDefault();
    const empty = [...form.querySelectorAll("[required]")].find((field) => !field.value.trim());
    if (empty) return empty.focus();
    if (form.dataset.confirmText) {
      const text = form.dataset.confirmText;
      const agreed = await ui.confirm({ text, confirmYes: form.dataset.confirmLabel, danger: true });
      if (!agreed) return undefined;
    }
    const [url, options] = request(form);
    show(form, form.dataset.sending, "", "", "");
    const began = performance.now();
    try {
      const answer = await fetch(url, options);
      const text = await answer.text();
      const time = `${Math.round(performance.now() - began)} ms`;
      const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
      let body = text;
      try {
        body = JSON.stringify(JSON.parse(text), null, 2);
      } catch {
        // Not JSON: shown as it came.
      }
      show(form, `${answer.status} ${answer.statusText}`, headers, body, time);
    } catch {
      show(form, form.dataset.failed, "", "", "");
    }
    return undefined;
  });
})();
