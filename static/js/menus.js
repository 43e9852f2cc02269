// <details data-menu>: one open at a time, closed by Escape, by a click elsewhere and by choosing; arrows move.
(() => {
  const close = (except) => document.querySelectorAll("details[data-menu][open]").forEach((menu) => menu !== except && (menu.open = false));
  document.addEventListener("click", (e) => {
    const menu = e.target.closest("details[data-menu]");
    close(menu);
    if (menu && e.target.closest(".pop-item")) menu.open = false;
  });
  // A table scrolls sideways and would cut its menus off: those are placed on the window instead.
  const GAP = 4;
  const place = (menu) => {
    const pop = menu.querySelector(".pop");
    const box = menu.getBoundingClientRect();
    pop.style.position = "fixed";
    const up = box.bottom + pop.offsetHeight + GAP > innerHeight;
    Object.assign(pop.style, {
      inset: "auto",
      top: `${up ? box.top - pop.offsetHeight - GAP : box.bottom + GAP}px`,
      left: `${Math.max(GAP, Math.min(box.right - pop.offsetWidth, innerWidth - pop.offsetWidth - GAP))}px`,
    });
  };
  document.addEventListener("toggle", (e) => e.target.matches?.(".table-wrap details[data-menu][open]") && place(e.target), true);
  document.addEventListener("scroll", (e) => e.target.matches?.(".pop") || document.querySelectorAll(".table-wrap details[data-menu][open]").forEach((menu) => (menu.open = false)), true);
  // What reads itself again waits while a menu in it is open: it would be closed under the hand.
  document.addEventListener("htmx:before:request", (e) => {
    const box = e.target;
    if (box.matches?.("[hx-trigger^=every]") && box.querySelector("details[data-menu][open]")) e.preventDefault();
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
