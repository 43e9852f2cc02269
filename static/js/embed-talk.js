// A visitor's talk in the frame of a website: it begins on request, grows line by line, and ends with the page.
(() => {
  const room = document.querySelector("[data-embed-talk]");
  const part = (name) => room.querySelector(`[${name}]`);
  const { key, talk, say, end, failed } = room.dataset;
  const form = part("data-form");
  const box = form.elements.text;
  const lines = room.querySelector("#talk-lines");
  const scroller = part("data-lines-box");
  const buttons = [part("data-begin"), part("data-again"), form.querySelector("[type=submit]")];
  let token = "";

  const post = async (url, body, options) => {
    const request = { method: "POST", credentials: "omit", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    const answer = await fetch(url, { ...request, ...options }).catch(() => null);
    const data = await answer?.json().catch(() => null);
    if (!answer?.ok || !data) throw new Error(data?.message || failed);
    return data;
  };

  const copy = (name) => part(name).content.firstElementChild.cloneNode(true);
  const add = (role, text) => {
    const line = copy(role === "user" ? "data-mine" : "data-theirs");
    line.querySelector(".bubble").textContent = text;
    lines.append(line);
    return line;
  };
  const toEnd = () => (scroller.scrollTop = scroller.scrollHeight);

  const stage = (name) => {
    part("data-start").hidden = name !== "start";
    scroller.hidden = name === "start";
    form.hidden = name !== "talk";
    part("data-over").hidden = name !== "over";
    if (name === "over") token = "";
    if (name === "talk") box.focus();
  };

  const tell = (text) => {
    part("data-problem").textContent = text;
    part("data-problem").hidden = !text;
  };

  const take = (answer) => {
    answer.lines.forEach((line) => add(line.role, line.text));
    stage(answer.ended ? "over" : "talk");
    toEnd();
  };

  // One request at a time; what is waited for is shown as three dots.
  const during = async (work) => {
    const typing = copy("data-typing");
    tell("");
    buttons.forEach((button) => (button.disabled = true));
    if (!scroller.hidden) lines.append(typing);
    toEnd();
    try {
      await work(() => typing.remove());
    } catch (problem) {
      tell(problem.message);
    } finally {
      typing.remove();
      buttons.forEach((button) => (button.disabled = false));
    }
  };

  const begin = () =>
    during(async () => {
      const answer = await post(talk, {});
      token = answer.token;
      part("data-simulated").hidden = !answer.simulated;
      lines.replaceChildren();
      take(answer);
    });

  const send = () => {
    const text = box.value.trim();
    if (!text || buttons[2].disabled) return;
    const mine = add("user", text);
    box.value = "";
    during(async (settle) => {
      try {
        const answer = await post(say, { token, text });
        settle();
        mine.remove();
        if (answer.lines.every((line) => line.role !== "user")) add("user", text);
        take(answer);
      } catch (problem) {
        // What did not arrive is not lost.
        mine.remove();
        box.value ||= text;
        throw problem;
      }
    }).then(() => form.hidden || box.focus());
  };

  const hangUp = (options) => {
    if (!token) return Promise.resolve();
    const ending = post(end, { token }, options);
    stage("over");
    return ending.catch(() => null);
  };

  part("data-begin").addEventListener("click", begin);
  part("data-again").addEventListener("click", begin);
  part("data-finish").addEventListener("click", () => hangUp());
  form.addEventListener("submit", (e) => {
    e.preventDefault();
    send();
  });
  box.addEventListener("keydown", (e) => {
    if (e.key !== "Enter" || e.shiftKey || e.isComposing) return;
    e.preventDefault();
    send();
  });
  addEventListener("keydown", (e) => e.key === "Escape" && parent.postMessage({ widget: key }, "*"));
  addEventListener("pagehide", () => hangUp({ keepalive: true }));
})();
