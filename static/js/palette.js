// Ctrl/Cmd-K: the navigation filtered as you type, results of the server below it, arrows and Enter.
(() => {
  const mac = /Mac|iPhone|iPad/.test(navigator.platform);
  const dialog = () => document.getElementById("palette");

  document.addEventListener("keydown", (e) => {
    if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === "k" && dialog()) {
      e.preventDefault();
      if (!dialog().open) dialog().showModal();
    }
  });
  if (mac) document.querySelectorAll("[data-shortcut]").forEach((key) => (key.textContent = `⌘${key.dataset.shortcut}`));

  ui.widget("#palette", (palette) => {
    const input = palette.querySelector("input");
    const list = palette.querySelector("#palette-nav");
    const empty = palette.querySelector("[data-palette-empty]");
    const pages = [...document.querySelectorAll("a[data-nav]")].map((link) => {
      const item = document.createElement("a");
      item.className = "pop-item";
      item.setAttribute("role", "option");
      item.href = link.href;
      item.append(link.querySelector("svg").cloneNode(true), link.querySelector(".nav-text").textContent);
      return item;
    });
    const items = () => [...palette.querySelectorAll(".palette-list .pop-item")];
    const select = (item) => {
      items().forEach((one) => one.setAttribute("aria-selected", String(one === item)));
      item?.scrollIntoView({ block: "nearest" });
    };
    const show = () => {
      const words = input.value.trim().toLowerCase().split(/\s+/);
      list.replaceChildren(...pages.filter((item) => words.every((word) => item.textContent.toLowerCase().includes(word))));
      refresh();
    };
    const refresh = () => {
      select(items()[0]);
      empty.classList.toggle("hidden", items().length > 0);
    };
    input.addEventListener("input", show);
    palette.addEventListener("htmx:after:swap", refresh);
    palette.addEventListener("keydown", (e) => {
      const all = items();
      const at = all.findIndex((item) => item.getAttribute("aria-selected") === "true");
      if (e.key === "ArrowDown" || e.key === "ArrowUp") {
        e.preventDefault();
        select(all[(at + (e.key === "ArrowDown" ? 1 : -1) + all.length) % all.length]);
      }
      if (e.key === "Enter" && all[at]) {
        e.preventDefault();
        all[at].click();
      }
    });
    palette.addEventListener("close", () => (input.value = ""));
    new MutationObserver(() => palette.open && show()).observe(palette, { attributeFilter: ["open"] });
  });
})();
