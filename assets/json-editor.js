// Source of static/vendor/codemirror/json-editor.js: a JSON editor on top of a textarea.
import { basicSetup, EditorView } from "codemirror";
import { json, jsonParseLinter } from "@codemirror/lang-json";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { linter, lintGutter } from "@codemirror/lint";
import { tags } from "@lezer/highlight";

const parse = jsonParseLinter();
// An empty field means "nothing set", which is valid.
const lint = (view) => (view.state.doc.toString().trim() ? parse(view) : []);

const look = EditorView.theme({
  "&": { color: "var(--color-base-content)" },
  ".cm-content": { caretColor: "var(--brand-ink)", fontFamily: "var(--font-mono)" },
  ".cm-gutters": { backgroundColor: "transparent", color: "var(--muted)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in oklab, var(--plain-soft) 45%, transparent)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--brand-soft) !important" },
  ".cm-cursor": { borderLeftColor: "var(--brand-ink)" },
  ".cm-tooltip": { backgroundColor: "var(--color-base-100)", border: "1px solid var(--line)" },
});

const colours = HighlightStyle.define([
  { tag: tags.propertyName, color: "var(--brand-ink)" },
  { tag: tags.string, color: "var(--good-ink)" },
  { tag: tags.number, color: "var(--notice-ink)" },
  { tag: [tags.bool, tags.null], color: "var(--caution-ink)" },
]);

window.createJsonEditor = (textarea, nonce) => {
  const holder = document.createElement("div");
  holder.className = "json-editor";
  textarea.after(holder);
  const label = document.querySelector(`label[for="${textarea.id}"]`);
  const view = new EditorView({
    doc: textarea.value,
    parent: holder,
    extensions: [
      EditorView.cspNonce.of(nonce),
      basicSetup,
      syntaxHighlighting(colours),
      json(),
      linter(lint),
      lintGutter(),
      look,
      EditorView.lineWrapping,
      EditorView.editable.of(!textarea.disabled && !textarea.readOnly),
      EditorView.contentAttributes.of({ "aria-label": label ? label.textContent.trim() : "JSON" }),
      EditorView.updateListener.of((update) => {
        if (!update.docChanged) return;
        textarea.value = update.state.doc.toString();
        textarea.dispatchEvent(new Event("input", { bubbles: true }));
      }),
    ],
  });
  textarea.classList.add("hidden");
  return view;
};
