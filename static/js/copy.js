// [data-copy="text"] copies it; without text it copies the code beside it.
ui.on("click", "[data-copy]", async (e, button) => {
  const text = button.dataset.copy || button.closest(".code-box").querySelector("code").textContent;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // No clipboard outside https and localhost: the old way.
    const area = document.createElement("textarea");
    area.value = text;
    button.after(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  const show = (done) => {
    button.querySelector(".copy-icon").hidden = done;
    button.querySelector(".copy-done").hidden = !done;
  };
  const label = button.querySelector("[data-copy-label]");
  const before = label?.textContent;
  show(true);
  if (label && before !== button.dataset.copied) {
    label.textContent = button.dataset.copied;
    setTimeout(() => (label.textContent = before), 1600);
  }
  setTimeout(() => show(false), 1600);
});
