(function () {
  "use strict";
  const PRINT_WIDTH = 660;
  const root = document.documentElement;
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const narrow = window.matchMedia("(max-width: 640px)");
  const config = { displayModeBar: false, responsive: true, typesetMath: false, showTips: false };
  let language = "en";
  let printing = false;
  const frames = {};
  const hidden = new Set();

  function apply(figure, patch) {
    for (const [path, value] of patch) {
      let place = figure;
      for (const step of path.slice(0, -1)) place = place[step];
      place[path[path.length - 1]] = value;
    }
  }

  function merge(place, change) {
    for (const [key, value] of Object.entries(change)) {
      const deeper = value && typeof value === "object" && !Array.isArray(value) && place[key];
      if (deeper) merge(place[key], value); else place[key] = value;
    }
  }

  function drawn(name) {
    const parts = structuredClone(figures[name]);
    if (language === "zh") apply(parts.base, parts.zh);
    if (dark.matches && !printing) apply(parts.base, parts.dark);
    if (narrow.matches && !printing) apply(parts.base, parts.narrow);
    const frame = frames[name] === undefined ? null : parts.base.frames[frames[name]];
    if (frame) frame.data.forEach((change, i) => merge(parts.base.data[i], change));
    for (const trace of parts.base.data) {
      if (hidden.has(trace.legendgroup)) trace.visible = false;
    }
    if (printing) {
      const width = document.getElementById("plot-" + name).parentElement.clientWidth;
      parts.base.layout.width = Math.min(width || PRINT_WIDTH, PRINT_WIDTH);
    }
    return parts.base;
  }

  function draw(name) {
    const figure = drawn(name);
    return Plotly.react("plot-" + name, figure.data, figure.layout, config);
  }

  function drawAll() {
    Object.keys(figures).forEach(draw);
  }

  function speak(chosen) {
    language = chosen;
    root.lang = chosen === "zh" ? "zh-Hans" : "en";
    const title = document.querySelector("title");
    document.title = title.dataset[chosen];
    for (const button of document.querySelectorAll("[data-language]")) {
      button.setAttribute("aria-pressed", String(button.dataset.language === chosen));
    }
  }

  const preferred = (navigator.languages && navigator.languages[0]) || navigator.language || "en";
  speak(preferred.toLowerCase().startsWith("zh") ? "zh" : "en");
  for (const button of document.querySelectorAll("[data-language]")) {
    button.addEventListener("click", () => {
      speak(button.dataset.language);
      drawAll();
    });
  }
  for (const slider of document.querySelectorAll("[data-frames]")) {
    const name = slider.dataset.frames;
    slider.addEventListener("input", () => {
      frames[name] = Number(slider.value);
      const label = slider.dataset.labels.split("|")[frames[name]];
      document.getElementById("frame-" + name).textContent = label;
      slider.setAttribute("aria-valuetext", label);
      draw(name);
    });
  }
  for (const box of document.querySelectorAll("[data-toggle]")) {
    box.addEventListener("change", () => {
      if (box.checked) hidden.delete(box.dataset.toggle); else hidden.add(box.dataset.toggle);
      drawAll();
    });
  }
  dark.addEventListener("change", drawAll);
  narrow.addEventListener("change", drawAll);
  window.addEventListener("beforeprint", () => { printing = true; drawAll(); });
  window.addEventListener("afterprint", () => { printing = false; drawAll(); });

  const waiting = Object.keys(figures);
  function next() {
    if (waiting.length === 0) {
      root.dataset.ready = "true";
      return;
    }
    draw(waiting.shift());
    setTimeout(next, 0);
  }
  next();
})();
