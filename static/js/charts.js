// <canvas data-chart data-source="id of a json_script">: bar, line or doughnut in the theme's colours.
(() => {
  const charts = new Set();
  const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const tones = { brand: "--brand-ink", accent: "--accent-ink", good: "--color-success", notice: "--color-info", caution: "--color-warning", bad: "--color-error", plain: "--chart-plain" };
  const order = ["brand", "accent", "caution", "notice", "good", "plain", "bad"];
  const colour = (series, at) => css(tones[series.tone || order[at % order.length]]);
  const faded = (value) => `color-mix(in srgb, ${value} 14%, transparent)`;

  const options = (type, data, canvas) => {
    const lang = document.documentElement.lang || "en";
    const say = (value) => new Intl.NumberFormat(lang, { maximumFractionDigits: 2 }).format(value) + (data.unit ? ` ${data.unit}` : "");
    const text = { color: css("--muted"), font: { family: css("--font-sans"), size: 12 } };
    const stacked = "stacked" in canvas.dataset || data.stacked;
    const many = data.series.length > 1 || type === "doughnut";
    const axes = {
      x: { stacked, grid: { display: false }, border: { color: css("--line") }, ticks: { ...text, maxRotation: 0, autoSkipPadding: 16 } },
      y: { stacked, beginAtZero: true, grid: { color: css("--line") }, border: { display: false }, ticks: { ...text, maxTicksLimit: 6, callback: (value) => say(value) } },
    };
    return {
      responsive: true,
      maintainAspectRatio: false,
      animation: false,
      interaction: { mode: "index", intersect: false },
      scales: type === "doughnut" ? {} : axes,
      cutout: "68%",
      plugins: {
        legend: { display: many && "legend" in canvas.dataset, position: type === "doughnut" ? "right" : "top", align: type === "doughnut" ? "center" : "end", labels: { ...text, boxWidth: 8, boxHeight: 8, usePointStyle: true, pointStyle: "rectRounded" } },
        tooltip: {
          backgroundColor: css("--color-neutral"), titleColor: css("--color-neutral-content"), bodyColor: css("--color-neutral-content"),
          padding: 10, cornerRadius: 8, boxPadding: 4, usePointStyle: true,
          callbacks: { label: (item) => ` ${item.dataset.label || item.label}: ${say(item.raw)}` },
        },
      },
    };
  };

  const datasets = (type, data) =>
    data.series.map((series, at) => {
      const paint = colour(series, at);
      const base = { label: series.label, data: series.data };
      if (type === "doughnut") {
        const parts = series.data.map((_, i) => css(tones[(series.tones || order)[i % (series.tones || order).length]]));
        return { ...base, backgroundColor: parts, borderColor: css("--color-base-100"), borderWidth: 2 };
      }
      if (type === "line") {
        return { ...base, borderColor: paint, backgroundColor: faded(paint), fill: data.series.length === 1, tension: 0.3, borderWidth: 2, pointRadius: 0, pointHoverRadius: 4 };
      }
      return { ...base, backgroundColor: paint, borderRadius: 4, maxBarThickness: 28 };
    });

  const draw = (canvas) => {
    canvas.chart?.destroy();
    const source = document.getElementById(canvas.dataset.source);
    if (!source) return;
    canvas.drawn = source.textContent;
    const data = JSON.parse(source.textContent);
    const type = canvas.dataset.chart;
    canvas.chart = new Chart(canvas, { type, data: { labels: data.labels, datasets: datasets(type, data) }, options: options(type, data, canvas) });
  };

  ui.widget("canvas[data-chart]", async (canvas) => {
    await ui.load(canvas.dataset.script);
    charts.add(canvas);
    draw(canvas);
  });
  // Data that is read again beside a chart that stays: its bars move, nothing flickers.
  document.addEventListener("htmx:after:swap", () => {
    for (const canvas of charts) {
      const text = document.getElementById(canvas.dataset.source)?.textContent;
      if (!canvas.isConnected) charts.delete(canvas);
      else if (text && text !== canvas.drawn && canvas.chart) {
        const data = JSON.parse(text);
        canvas.drawn = text;
        canvas.chart.data = { labels: data.labels, datasets: datasets(canvas.dataset.chart, data) };
        canvas.chart.update("none");
      }
    }
  });
  new MutationObserver(() => {
    for (const canvas of charts) canvas.isConnected ? draw(canvas) : charts.delete(canvas);
  }).observe(document.documentElement, { attributeFilter: ["data-theme"] });
})();
