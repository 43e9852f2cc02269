// JSON: colours in <pre data-json>, an editor on <textarea data-json-editor> (loaded only when there is one).
(() => {
  const pattern = /("(?:\\.|[^"\\])*")(\s*:)?|\b(true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
  const LIMIT = 200000; // characters; colouring more would be felt

  ui.widget("pre[data-json]", (pre) => {
    const code = pre.querySelector("code");
    const text = code.textContent;
    if (text.length > LIMIT) return;
    const parts = [];
    let last = 0;
    for (const match of text.matchAll(pattern)) {
      const span = document.createElement("span");
      span.className = match[1] ? (match[2] ? "json-key" : "json-text") : match[3] ? "json-word" : "json-number";
      span.textContent = match[1] || match[0];
      parts.push(text.slice(last, match.index), span);
      last = match.index + span.textContent.length;
    }
    code.replaceChildren(...parts, text.slice(last));
  });

  const address = document.querySelector('script[src*="js/json"]').src;
  const bundle = document.querySelector("link[data-json-editor-script]")?.href || new URL("../vendor/codemirror/json-editor.js", address).href;
  ui.widget("textarea[data-json-editor]", async (area) => {
    await ui.load(bundle);
    if (area.isConnected) area.jsonEditor = window.createJsonEditor(area, ui.nonce);
  });
})();
