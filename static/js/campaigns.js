// [data-template-variables=id]: shows, in the element with that id, which {{variables}} the message asks for.
ui.widget("[data-template-variables]", (area) => {
  const list = document.getElementById(area.dataset.templateVariables);
  if (!list) return;
  const show = () => {
    const found = [...area.value.matchAll(/\{\{([^{}\r\n]{1,200})\}\}/g)].map((match) => match[1].trim());
    const names = [...new Set(found)].filter(Boolean).sort();
    const items = (names.length ? names : [list.dataset.none]).map((name) => {
      const item = document.createElement("span");
      if (names.length) item.className = "badge-tone tone-brand";
      item.textContent = name;
      return item;
    });
    list.replaceChildren(...items);
  };
  area.addEventListener("input", show);
  show(); // something may have been typed before this script ran
});
// Selects [data-single="number name"]: such a value is chosen in one of them only; the one that had it becomes a variable.
ui.on(
  "change",
  "select[data-single]",
  (e, select) => {
    if (!select.dataset.single.split(" ").includes(select.value)) return;
    for (const other of select.form.querySelectorAll("select[data-single]")) {
      if (other !== select && other.value === select.value) {
        other.value = "variable";
        other.dispatchEvent(new Event("change", { bubbles: true }));
      }
    }
  },
  true,
);
