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
    root.dataset.theme = print.matches ? "light" : read("theme") || (dark.matches ? "dark" : "light");
  };
  root.classList.add("js");
  apply();
  if (read("sidebar") === "collapsed") root.dataset.sidebar = "collapsed";
  if (read("density") === "compact") root.dataset.density = "compact";
  print.addEventListener("change", apply); // paper is white
  dark.addEventListener("change", apply);
  window.addEventListener("storage", apply);
})();
