// Messages in the corner: Django's messages, HX-Trigger: {"toast": {"level", "text", "url", "action"}}, and ui.toast(text, level).
(() => {
  const SECONDS = 6;
  const region = () => document.getElementById("toasts");
  const tones = { success: "good", info: "notice", warning: "caution", error: "bad" };
  const icons = {
    good: ["M20 6 9 17l-5-5"],
    notice: ["M12 16v-4", "M12 8h.01", "M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18"],
    caution: ["M12 9v4", "M12 17h.01", "M10.3 3.9 1.8 18a2 2 0 0 0 1.7 3h17a2 2 0 0 0 1.7-3L13.7 3.9a2 2 0 0 0-3.4 0Z"],
    bad: ["M12 8v4", "M12 16h.01", "M12 3a9 9 0 1 0 0 18a9 9 0 0 0 0-18"],
  };

  const draw = (tone) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const attributes = { width: 17, height: 17, viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-width": 2, "stroke-linecap": "round", "aria-hidden": "true" };
    Object.entries(attributes).forEach(([name, value]) => svg.setAttribute(name, value));
    for (const d of icons[tone] || icons.notice) {
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("d", d);
      svg.append(path);
    }
    return svg;
  };

  ui.toast = (text, level = "info", { url, action } = {}) => {
    const tone = tones[level] || level;
    const item = document.getElementById("toast-template").content.firstElementChild.cloneNode(true);
    item.className = `toast-item toast-${tone}`;
    item.dataset.toast = tone;
    item.querySelector("svg").replaceWith(draw(tone));
    const body = item.querySelector(".toast-text");
    body.textContent = text;
    if (url && action) {
      const link = document.createElement("a");
      link.href = url;
      link.className = "text-link ml-2";
      link.textContent = action;
      body.append(link);
    }
    region().append(item);
  };

  ui.widget("[data-toast]", (item) => {
    if (item.closest("template") || item.dataset.toast === "bad") return; // errors stay until read
    let timer;
    const start = () => (timer = setTimeout(() => item.remove(), SECONDS * 1000));
    item.addEventListener("mouseenter", () => clearTimeout(timer));
    item.addEventListener("mouseleave", start);
    item.addEventListener("focusin", () => clearTimeout(timer));
    start();
  });
  ui.on("click", "[data-toast-close]", (e, button) => button.closest("[data-toast]").remove());
  document.addEventListener("toast", (e) => ui.toast(e.detail.text, e.detail.level, e.detail));
})();
