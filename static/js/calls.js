// The live call page: a command that was taken empties its form.
document.addEventListener("htmx:after:request", (e) => {
  const { sourceElement, response } = e.detail.ctx;
  if (response?.raw?.ok && sourceElement?.matches("form[data-reset-on-success]")) sourceElement.reset();
});
