// Switches that need others: [data-switch=name] with data-needs="a b" is greyed out, with the reason, while one of them is off.
(() => {
  ui.widget("[data-switches]", (list) => {
    const switches = [...list.querySelectorAll("[data-switch]")];
    const byName = new Map(switches.map((each) => [each.dataset.switch, each]));
    const isOn = (name) => {
      const each = byName.get(name);
      return !each || (each.checked && !each.disabled);
    };
    const check = () => {
      // In the order of the list: what a switch needs stands above it.
      for (const each of switches) {
        const lacks = (each.dataset.needs || "").split(" ").some((name) => name && !isOn(name));
        each.disabled = lacks;
        const reason = each.closest("li").querySelector("[data-lacks]");
        if (reason) reason.hidden = !lacks;
      }
    };
    list.addEventListener("change", check);
    check();
  });
})();
