// A range and its number input move together; the number is what is sent.
ui.widget("[data-slider]", (pair) => {
  const range = pair.querySelector("input[type=range]");
  const number = pair.querySelector("input:not([type=range])");
  range.addEventListener("input", () => {
    number.value = range.value;
    number.dispatchEvent(new Event("input", { bubbles: true }));
  });
  number.addEventListener("input", () => (range.value = number.value || number.placeholder));
});
