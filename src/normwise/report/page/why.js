(function () {
  "use strict";
  // The bowl that is played with: H becomes SHS and the optimum S⁻¹·optimum, S = diag(stretch, 1).
  const data = JSON.parse(document.getElementById("play-data").textContent);
  if (!data.hessian) return;
  const MOST = 300;
  const HALF = 80;
  const find = (id) => document.getElementById(id);
  const [svg, slider, handle] = [find("play"), find("stretch"), find("play-start")];
  const shapes = find("play-contours");
  let start = null; // in the picture; null: weights of 0
  let best = 1;

  function eigen(a, b, d) {
    const middle = (a + d) / 2;
    const top = middle + Math.hypot((a - d) / 2, b);
    // The determinant by the top eigenvalue: the difference of near equals would lose the small one.
    return { top, bottom: Math.max(0, (a * d - b * b) / top), turn: Math.atan2(2 * b, a - d) / 2 };
  }

  function told(value) {
    if (!Number.isFinite(value)) return "∞";
    if (value >= 1e7) return value.toExponential(1).replace("e+", "·10^");
    return Number(value.toPrecision(3)).toLocaleString("en");
  }

  function stepsNeeded(kappa) {
    if (!Number.isFinite(kappa)) return Infinity;
    if (kappa <= 1) return 1;
    return Math.max(1, Math.ceil(Math.log(data.gain) / (2 * Math.log1p(-2 / (kappa + 1)))));
  }

  function draw() {
    const s = 10 ** Number(slider.value);
    const [a, b, , d] = data.hessian;
    const { top, bottom, turn } = eigen(a * s * s, b * s, d);
    const kappa = bottom > 0 ? top / bottom : Infinity;
    const steps = stepsNeeded(kappa);
    const optimum = [data.optimum[0] / s, data.optimum[1]];
    const distance = Math.hypot(...optimum) || 1;
    best = HALF / distance;
    // Pictures have y downwards; the optimum stands in the middle.
    const from = start || [-optimum[0] * best, optimum[1] * best];
    const short = 1 / Math.sqrt(kappa);
    const degrees = (-turn * 180) / Math.PI;
    const radii = [0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5];
    shapes.replaceChildren(...radii.map((r) => {
      const ellipse = document.createElementNS(svg.namespaceURI, "ellipse");
      ellipse.setAttribute("rx", String(r * 100 * short));
      ellipse.setAttribute("ry", String(r * 100));
      ellipse.setAttribute("transform", `rotate(${degrees})`);
      return ellipse;
    }));
    const [cos, sin] = [Math.cos(-turn), Math.sin(-turn)];
    const along = [cos * from[0] + sin * from[1], -sin * from[0] + cos * from[1]];
    const factor = Number.isFinite(kappa) ? (kappa - 1) / (kappa + 1) : 1;
    const drawn = Math.min(steps, MOST);
    const points = [];
    for (let k = 0; k <= drawn; k += 1) {
      const [u, v] = [along[0] * (-factor) ** k, along[1] * factor ** k];
      points.push(`${(cos * u - sin * v).toFixed(3)},${(sin * u + cos * v).toFixed(3)}`);
    }
    find("play-path").setAttribute("points", points.join(" "));
    handle.setAttribute("transform", `translate(${from[0]} ${from[1]})`);
    find("stretch-value").textContent = told(s);
    slider.setAttribute("aria-valuetext", told(s) + "×");
    find("play-steps").textContent = told(steps);
    find("play-drawn").textContent = told(drawn);
    find("play-kappa").textContent = told(kappa);
    return from;
  }

  function move(x, y) {
    const inside = (v) => Math.max(-95, Math.min(95, v));
    start = [inside(x), inside(y)];
    draw();
  }

  const set = (value) => { slider.value = String(value); draw(); };
  slider.addEventListener("input", draw);
  find("as-scaled").addEventListener("click", () => set(0));
  if (find("as-raw")) find("as-raw").addEventListener("click", () => set(data.raw));
  handle.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: [-4, 0], ArrowRight: [4, 0], ArrowUp: [0, -4], ArrowDown: [0, 4] }[event.key];
    if (event.key === "Home") { start = null; draw(); } else if (by) {
      const from = draw();
      move(from[0] + by[0], from[1] + by[1]);
    } else return;
    event.preventDefault();
  });
  function place(event) {
    const box = svg.getBoundingClientRect();
    move(((event.clientX - box.left) / box.width) * 200 - 100, ((event.clientY - box.top) / box.height) * 200 - 100);
  }
  handle.addEventListener("pointerdown", (event) => {
    handle.setPointerCapture(event.pointerId);
    event.preventDefault();
    handle.focus({ focusVisible: false });
  });
  handle.addEventListener("pointermove", (event) => {
    if (handle.hasPointerCapture(event.pointerId)) place(event);
  });
  draw();
})();
