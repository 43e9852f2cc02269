// The API page: sends the chosen method with the typed body and shows what came back.
(() => {
  ui.widget("[data-api-form]", (form) => {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const result = document.querySelector("[data-api-result]");
      const answer = await fetch(form.action, {
        method: event.submitter.value,
        headers: {
          "Content-Type": "application/json",
          Accept: "application/json",
          "X-CSRFToken": form.querySelector("[name=csrfmiddlewaretoken]").value,
        },
        body: form.querySelector("[name=body]").value,
      });
      const text = await answer.text();
      let shown = text;
      try {
        shown = JSON.stringify(JSON.parse(text), null, 2);
      } catch {
        // Not JSON: shown as it came.
      }
      result.textContent = `${answer.status} ${answer.statusText}\n\n${shown}`;
      result.classList.remove("hidden");
    });
  });
})();
