// Repeating rows: <div data-rows="prefix"> holds [data-row]s, a <template> and a [data-row-add] button.
// "__index__" in the template becomes the row's number; Django formsets' <prefix>-TOTAL_FORMS is kept right.
(() => {
  const total = (box) => document.querySelector(`input[name="${box.dataset.rows}-TOTAL_FORMS"]`);
  const changed = (box) => box.dispatchEvent(new CustomEvent("rows-changed", { bubbles: true }));

  ui.on("click", "[data-row-add]", (e, button) => {
    const box = button.closest("[data-rows]");
    const template = box.querySelector(":scope > template");
    const count = total(box);
    const index = count ? Number(count.value) : (box.dataset.next = Number(box.dataset.next || box.querySelectorAll("[data-row]").length) + 1) - 1;
    const holder = document.createElement("template");
    holder.innerHTML = template.innerHTML.replaceAll("__index__", index);
    const row = holder.content.firstElementChild;
    const list = box.querySelector("[data-row-list]") || box;
    if (list === box) template.before(row);
    else list.append(row);
    if (count) count.value = index + 1;
    window.htmx?.process(row);
    row.querySelector("input:not([type=hidden]), select, textarea")?.focus();
    changed(box);
  });
  ui.on("click", "[data-row-remove]", (e, button) => {
    const row = button.closest("[data-row]");
    const box = row.closest("[data-rows]");
    const mark = row.querySelector("input[name$='-DELETE']");
    if (mark) {
      mark.type === "checkbox" ? (mark.checked = true) : (mark.value = "on");
      row.hidden = true;
    } else row.remove();
    changed(box);
  });
})();
