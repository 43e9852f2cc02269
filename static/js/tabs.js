// Tabs. Those that are pages: the current one is in sight. Those over sections of one page: the open one is in the
// address's hash; an error opens its tab.
(() => {
  ui.widget("[data-subnav]", (bar) => {
    const current = bar.querySelector("[aria-current]");
    if (current) bar.scrollLeft = current.offsetLeft - (bar.clientWidth - current.offsetWidth) / 2;
  });
  ui.widget("[data-tabs]", (bar) => {
    const tabs = [...bar.querySelectorAll("[role=tab]")];
    const panel = (tab) => document.getElementById(tab.getAttribute("aria-controls"));
    const open = (tab, focus = false) => {
      for (const one of tabs) {
        const on = one === tab;
        one.setAttribute("aria-selected", String(on));
        one.tabIndex = on ? 0 : -1;
        panel(one)?.classList.toggle("js-hidden", !on);
      }
      if (focus) tab.focus();
      panel(tab)?.dispatchEvent(new CustomEvent("tab-open", { bubbles: true }));
    };
    const fromHash = () => tabs.find((tab) => `#${tab.getAttribute("aria-controls")}` === location.hash);
    bar.addEventListener("click", (e) => {
      const tab = e.target.closest("[role=tab]");
      if (!tab) return;
      open(tab);
      history.replaceState(history.state, "", `#${tab.getAttribute("aria-controls")}`);
    });
    bar.addEventListener("keydown", (e) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
      if (!step) return;
      const at = tabs.indexOf(document.activeElement);
      open(tabs[(at + step + tabs.length) % tabs.length], true);
      e.preventDefault();
    });
    window.addEventListener("hashchange", () => fromHash() && open(fromHash()));
    // The browser refuses to send a form with an invalid field it cannot show.
    document.addEventListener(
      "invalid",
      (e) => {
        const tab = tabs.find((one) => panel(one)?.contains(e.target));
        if (tab && panel(tab).classList.contains("js-hidden")) open(tab);
      },
      true,
    );
    const withErrors = tabs.find((tab) => tab.querySelector(".tab-errors"));
    open(withErrors || fromHash() || tabs.find((tab) => tab.getAttribute("aria-selected") === "true") || tabs[0]);
  });
})();
