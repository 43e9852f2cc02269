// In a frame on another website: Escape puts the frame away, as its button does.
addEventListener("keydown", (e) => {
  const key = document.querySelector("[data-embed-form]")?.dataset.embedForm;
  if (e.key === "Escape" && key) parent.postMessage({ widget: key }, "*");
});
