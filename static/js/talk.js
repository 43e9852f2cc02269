// A typed talk: one's own words stand there at once, three dots until the answer comes. All of it works without this too.
ui.widget("[data-talk]", (room) => {
  const lines = room.querySelector("#talk-lines");
  const copy = (name) => room.querySelector(`template[${name}]`).content.firstElementChild.cloneNode(true);
  let waiting = [];
  let sent = "";

  const settle = () => {
    waiting.forEach((line) => line.remove());
    waiting = [];
  };
  const field = () => room.querySelector("[data-talk-form] textarea");

  room.addEventListener("keydown", (e) => {
    if (e.target !== field() || e.key !== "Enter" || e.shiftKey || e.isComposing) return;
    e.preventDefault();
    if (!waiting.length) e.target.form.requestSubmit();
  });

  room.addEventListener("htmx:before:request", (e) => {
    if (!e.target.matches("[data-talk-form]")) return;
    if (waiting.length) return e.preventDefault();
    sent = field().value;
    const mine = copy("data-talk-mine");
    mine.querySelector(".bubble").textContent = sent;
    waiting = [mine, copy("data-talk-typing")];
    lines.append(...waiting);
    room.querySelector("[data-talk-empty]")?.remove();
    field().value = "";
    field().dispatchEvent(new Event("input", { bubbles: true }));
  });

  room.addEventListener("htmx:before:swap", settle);

  room.addEventListener("htmx:finally:request", (e) => {
    if (!e.target.matches("[data-talk-form]")) return;
    const ok = e.detail.ctx.response?.raw?.ok;
    settle();
    const box = field();
    if (!box) return;
    // What did not arrive is not lost.
    if (!ok && !box.value) box.value = sent;
    box.focus();
  });

  field()?.focus({ preventScroll: true });
});
