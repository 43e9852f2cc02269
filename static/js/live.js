// Live regions: [data-follow] keeps its end in view while new turns arrive, unless the person scrolled up.
ui.widget("[data-follow]", (box) => {
  const atEnd = () => box.scrollHeight - box.scrollTop - box.clientHeight < 80;
  let follow = true;
  box.addEventListener("scroll", () => (follow = atEnd()));
  const down = () => follow && (box.scrollTop = box.scrollHeight);
  new MutationObserver(down).observe(box, { childList: true, subtree: true });
  down();
});
// [data-stopwatch="ISO instant"] counts up from it.
(() => {
  const two = (value) => String(value).padStart(2, "0");
  const tick = () => {
    for (const watch of document.querySelectorAll("[data-stopwatch]")) {
      const seconds = Math.max(0, Math.floor((Date.now() - new Date(watch.dataset.stopwatch)) / 1000));
      const hours = Math.floor(seconds / 3600);
      const minutes = Math.floor(seconds / 60) % 60;
      watch.textContent = (hours ? `${hours}:${two(minutes)}` : minutes) + `:${two(seconds % 60)}`;
    }
  };
  setInterval(tick, 1000);
  tick();
})();
