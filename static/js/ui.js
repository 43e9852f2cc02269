// The ground under every widget: find elements now and whenever they arrive, listen once for all.
(() => {
  const nonce = document.currentScript.nonce;
  const widgets = [];
  const loads = new Map();

  const setUp = (widget, root) => {
    const found = root.matches?.(widget.selector) ? [root] : [];
    for (const element of [...found, ...root.querySelectorAll(widget.selector)]) {
      if (widget.seen.has(element)) continue;
      widget.seen.add(element);
      widget.setup(element);
    }
  };

  const ui = {
    nonce,
    // Calls setup(element) once for each element that matches, also for those htmx brings later.
    widget(selector, setup) {
      const widget = { selector, setup, seen: new WeakSet() };
      widgets.push(widget);
      setUp(widget, document);
    },
    // One listener for all elements that match, now and later.
    on(event, selector, handler, options) {
      document.addEventListener(
        event,
        (e) => {
          const element = e.target.closest?.(selector);
          if (element) handler(e, element);
        },
        options,
      );
    },
    remember(key, value) {
      try {
        if (value === null) localStorage.removeItem(key);
        else localStorage.setItem(key, value);
      } catch {
        // storage may be forbidden; then it lasts as long as the page
      }
    },
    load(src) {
      if (!loads.has(src)) {
        loads.set(
          src,
          new Promise((resolve, reject) => {
            const script = document.createElement("script");
            script.src = src;
            script.nonce = nonce;
            script.onload = resolve;
            script.onerror = reject;
            document.head.append(script);
          }),
        );
      }
      return loads.get(src);
    },
  };
  window.ui = ui;

  new MutationObserver((records) => {
    for (const record of records) {
      for (const node of record.addedNodes) {
        if (node.nodeType === 1) widgets.forEach((widget) => setUp(widget, node));
      }
    }
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
