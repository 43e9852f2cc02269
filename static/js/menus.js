// <details data-menu>: one open at a time, closed by Escape, by a click elsewhere and by choosing; arrows move.
(() => {
  const close = (except) => document.querySelectorAll("details[data-menu][open]").forEach((menu) => menu !== except && (menu.open = false));
  document.addEventListener("click", (e) => {
    const menu = e.target.closest("details[data-menu]");
    close(menu);
    if (menu && e.target.closest(".pop-item")) menu.open = false;
  });
  document.addEventListener("keydown", (e) => {
    const menu = e.target.closest?.("details[data-menu]");
    if (!menu) return;
    if (e.key === "Escape" && menu.open) {
      menu.open = false;
      menu.querySelector("summary").focus();
      e.stopPropagation();
    }
    if (menu.open && (e.key === "ArrowDown" || e.key === "ArrowUp")) {
      const items = [...menu.querySelectorAll(".pop-item")];
      const at = items.indexOf(document.activeElement) + (e.key === "ArrowDown" ? 1 : -1);
      items[(at + items.length) % items.length]?.focus();
      e.preventDefault();
    }
  });
})();
