// htmx in our house: our confirm dialog, errors as toasts, a redirect to another page opens that page.
(() => {
  const words = () => document.getElementById("toasts").dataset;

  document.addEventListener("htmx:confirm", (e) => {
    const { ctx, issueRequest, dropRequest } = e.detail;
    if (!ctx.confirm) return;
    e.preventDefault();
    const source = ctx.sourceElement;
    ui.confirm({ text: ctx.confirm, ...source.dataset, danger: source.matches(".btn-error, .btn-outline-danger, .is-danger") }).then((yes) =>
      yes ? issueRequest() : dropRequest(),
    );
  });

  document.addEventListener("htmx:before:response", (e) => {
    const response = e.detail.ctx.response.raw;
    // A full page where a piece was asked for: the session ended, or the view redirected.
    if (response.redirected && !e.detail.ctx.select) {
      e.preventDefault();
      location.assign(response.url);
    }
  });

  document.addEventListener("htmx:response:error", (e) => {
    const status = e.detail.ctx.response.status;
    // A form with errors is swapped in like any other answer.
    if ([400, 409, 422].includes(status)) return;
    // The answer brings its own words.
    if (e.detail.ctx.response.raw.headers.has("HX-Trigger")) return;
    const text = { 401: "signedOut", 403: "forbidden", 404: "missing", 413: "tooLarge", 429: "tooFast" }[status] || "failed";
    ui.toast(words()[text], status === 429 ? "warning" : "error");
  });

  document.addEventListener("htmx:error", (e) => {
    // Polling goes on by itself; only what a person asked for is worth a word.
    const source = e.detail.ctx?.sourceElement;
    const trigger = source?.getAttribute("hx-trigger") || "";
    if (!e.detail.ctx?.response && !trigger.includes("every") && !trigger.includes("load")) ui.toast(words().offline, "error");
  });
})();
