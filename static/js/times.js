// <time data-ago> stays true while the page is open. The server's words stay until they are a minute old.
(() => {
  const format = new Intl.RelativeTimeFormat(document.documentElement.lang || "en", { numeric: "always" });
  const units = [["year", 31557600], ["month", 2629800], ["week", 604800], ["day", 86400], ["hour", 3600], ["minute", 60]];
  const refresh = (time) => {
    const seconds = (new Date(time.dateTime) - Date.now()) / 1000;
    const unit = units.find(([, size]) => Math.abs(seconds) >= size);
    if (unit) time.textContent = format.format(Math.trunc(seconds / unit[1]), unit[0]);
  };
  setInterval(() => !document.hidden && document.querySelectorAll("time[data-ago]").forEach(refresh), 60000);
})();
