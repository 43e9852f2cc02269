// [data-colour="its name"]: a text field for a hex colour gets a picker beside it; each follows the other.
for (const field of document.querySelectorAll("input[data-colour]")) {
  const box = document.createElement("div");
  const swatch = document.createElement("input");
  box.className = "colour-field";
  swatch.className = "colour-swatch";
  swatch.type = "color";
  swatch.setAttribute("aria-label", field.dataset.colour);
  const follow = () => {
    if (/^#[0-9a-f]{6}$/i.test(field.value.trim())) swatch.value = field.value.trim().toLowerCase();
  };
  field.before(box);
  box.append(swatch, field);
  follow();
  field.addEventListener("input", follow);
  swatch.addEventListener("input", () => {
    field.value = swatch.value.toUpperCase();
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
}
