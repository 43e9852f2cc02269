// Rows with data-href open on click; checkboxes with data-bulk fill the bar above.
(() => {
  ui.on("click", "tr[data-href]", (e, row) => {
    if (e.target.closest("a, button, input, label, summary, select") || getSelection().toString()) return;
    if (e.ctrlKey || e.metaKey) window.open(row.dataset.href);
    else location.assign(row.dataset.href);
  });
  const refresh = (scope) => {
    const boxes = [...scope.querySelectorAll("input[data-bulk]")];
    const picked = boxes.filter((box) => box.checked).length;
    const bar = scope.querySelector("[data-bulk-bar]");
    if (bar) {
      bar.hidden = picked === 0;
      bar.querySelector("[data-bulk-count]").textContent = picked;
    }
    const all = scope.querySelector("input[data-bulk-all]");
    if (all) {
      all.checked = picked > 0 && picked === boxes.length;
      all.indeterminate = picked > 0 && picked < boxes.length;
    }
  };
  const scopeOf = (element) => element.closest("[data-bulk-scope]") || element.closest(".panel") || document;
  ui.on("change", "input[data-bulk]", (e, box) => refresh(scopeOf(box)));
  ui.on("change", "input[data-bulk-all]", (e, all) => {
    const scope = scopeOf(all);
    scope.querySelectorAll("input[data-bulk]").forEach((box) => (box.checked = all.checked));
    refresh(scope);
  });
})();
