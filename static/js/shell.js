// Sidebar (collapse, drawer) and theme.
(() => {
  const root = document.documentElement;
  const drawer = (isOpen) => {
    const back = document.activeElement;
    if (isOpen) root.dataset.drawer = "open";
    else delete root.dataset.drawer;
    if (isOpen) document.querySelector("#sidebar a, #sidebar summary")?.focus();
    else if (back?.closest("#sidebar")) document.querySelector("[data-drawer-open]")?.focus();
  };
  ui.on("click", "[data-drawer-open]", (e) => {
    e.preventDefault();
    drawer(true);
  });
  ui.on("click", "[data-drawer-close]", (e) => {
    e.preventDefault();
    drawer(false);
  });
  document.addEventListener("keydown", (e) => e.key === "Escape" && root.dataset.drawer && drawer(false));
  ui.on("click", "[data-sidebar-toggle]", () => {
    const collapsed = root.dataset.sidebar !== "collapsed";
    if (collapsed) root.dataset.sidebar = "collapsed";
    else delete root.dataset.sidebar;
    ui.remember("sidebar", collapsed ? "collapsed" : null);
  });
  ui.on("click", "[data-theme-toggle]", () => {
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    ui.remember("theme", root.dataset.theme);
    document.dispatchEvent(new CustomEvent("themechange"));
  });
  ui.on("click", "[data-density-toggle]", () => {
    const compact = root.dataset.density !== "compact";
    if (compact) root.dataset.density = "compact";
    else delete root.dataset.density;
    ui.remember("density", compact ? "compact" : null);
  });
})();
