// The workflow builder: findings and boxes lead to their line of the text; text a button changed goes into the editor.
(() => {
  const area = () => document.getElementById("id_definition");

  const replace = (text) => {
    const view = area().jsonEditor;
    if (view) view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, scrollIntoView: true });
    else area().value = text;
  };

  const show = (number) => {
    const view = area().jsonEditor;
    if (view) {
      const line = view.state.doc.line(Math.min(number, view.state.doc.lines));
      view.dispatch({ selection: { anchor: line.from, head: line.to }, scrollIntoView: true });
      view.focus();
    } else {
      const lines = area().value.split("\n");
      const start = lines.slice(0, number - 1).join("\n").length + (number > 1 ? 1 : 0);
      area().focus();
      area().setSelectionRange(start, start + (lines[number - 1] || "").length);
    }
    area().closest(".panel").scrollIntoView({ block: "nearest" });
  };

  ui.widget("[data-workflow-text]", (carrier) => {
    replace(carrier.value);
    carrier.remove();
  });
  ui.on("click", "[data-workflow-line]", (e, element) => show(Number(element.dataset.workflowLine)));
  ui.on("keydown", "g[data-workflow-line]", (e, element) => {
    if (e.key !== "Enter" && e.key !== " ") return;
    e.preventDefault();
    show(Number(element.dataset.workflowLine));
  });
})();
