// Puts a button on the page that opens a frame. It needs nothing of the page and leaves nothing behind but one element.
(() => {
  const widget = {{ widget|safe }};
  const begin = () => {
    if (document.querySelector(`[data-widget="${widget.key}"]`)) return;
    const host = document.createElement("div");
    host.dataset.widget = widget.key;
    const root = host.attachShadow({ mode: "open" });
    const button = document.createElement("button");
    const set = (element, styles) => Object.assign(element.style, styles);
    set(host, { all: "initial" });
    button.type = "button";
    button.textContent = widget.label;
    button.setAttribute("aria-expanded", "false");
    button.setAttribute("aria-haspopup", "dialog");
    set(button, {
      position: "fixed", right: "20px", bottom: "20px", zIndex: "2147483000", maxWidth: "calc(100vw - 40px)",
      padding: "14px 22px", border: "0", borderRadius: "999px", cursor: "pointer", background: widget.colour,
      color: widget.ink, font: "600 15px/1.2 system-ui, sans-serif", boxShadow: "0 6px 24px rgb(0 0 0 / 22%)",
    });
    let frame = null;
    const open = () => {
      frame = document.createElement("iframe");
      frame.title = widget.label;
      frame.referrerPolicy = "origin";
      frame.src = widget.url;
      set(frame, {
        position: "fixed", right: "20px", bottom: "84px", zIndex: "2147483000", width: "min(400px, calc(100vw - 40px))",
        height: "min(620px, calc(100vh - 110px))", border: "0", borderRadius: "16px", background: "Canvas",
        boxShadow: "0 12px 48px rgb(0 0 0 / 28%)", colorScheme: "light dark",
      });
      root.prepend(frame);
    };
    const show = (shown) => {
      if (shown && !frame) open();
      if (frame) set(frame, { display: shown ? "block" : "none" });
      button.textContent = shown ? widget.close : widget.label;
      button.setAttribute("aria-expanded", String(shown));
    };
    const isShown = () => button.getAttribute("aria-expanded") === "true";
    button.addEventListener("click", () => show(!isShown()));
    addEventListener("keydown", (e) => e.key === "Escape" && isShown() && show(false));
    addEventListener("message", (e) => {
      if (!frame || e.source !== frame.contentWindow || e.origin !== new URL(widget.url).origin || e.data?.widget !== widget.key) return;
      show(false);
      button.focus();
    });
    root.append(button);
    document.body.append(host);
  };
  if (document.body) begin();
  else addEventListener("DOMContentLoaded", begin);
})();
