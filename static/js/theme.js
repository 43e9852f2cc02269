// Runs before the first paint: theme, sidebar and density as the person left them.
(() => {
  const root = document.documentElement;
  const print = matchMedia("print");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const read = (key) => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // storage may be forbidden
    }
  };
  const apply = () => {
    const kept = read("theme"); // the operator's console keeps "auto" there
    const chosen = ["light", "dark"].includes(kept) ? kept : dark.matches ? "dark" : "light";
    root.dataset.theme = print.matches ? "light" : chosen;
  };
  root.classList.add("js");
  apply();
  if (read("sidebar") === "collapsed") root.dataset.sidebar = "collapsed";
  if (read("density") === "compact") root.dataset.density = "compact";
  print.addEventListener("change", apply); // paper is white
  dark.addEventListener("change", apply);
  window.addEventListener("storage", apply);
})();
