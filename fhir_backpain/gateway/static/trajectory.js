// Draws the trajectories of a page over the server's pictures, which readers and printers keep.
// All numbers and words come from the server (data-chart); nothing is computed here but places.
const HEIGHT = 240;
const FONT = "12px system-ui, sans-serif";
const DAY = 86400;
const NEAR = 4; // pixels between what is told together
const inks = {};
const plots = [];

function readInks() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["soft", "back", "plot-line", "plot-band", "plot-gap", "plot-mark", "plot-grid"]) {
    inks[name] = style.getPropertyValue(`--${name}`).trim();
  }
}

const ink = (name) => () => inks[name];

function dayOf(seconds, increment) {
  const date = new Date(seconds * 1000).toISOString();
  return increment < DAY ? date.slice(5, 16).replace("T", " ") : date.slice(0, 10);
}

/** What is drawn on the canvas besides uPlot's own line: band, marks and missing values. */
function painter(chart) {
  const inPlot = (u, paint) => {
    const { left, top, width, height } = u.bbox;
    u.ctx.save();
    u.ctx.beginPath();
    u.ctx.rect(left, top, width, height);
    u.ctx.clip();
    paint(u.ctx, left, top, width, height, u.width ? u.ctx.canvas.width / u.width : 1);
    u.ctx.restore();
  };
  const stroke = (ctx, x0, y0, x1, y1) => {
    ctx.beginPath();
    ctx.moveTo(x0, y0);
    ctx.lineTo(x1, y1);
    ctx.stroke();
  };
  const below = (u) => inPlot(u, (ctx, left, top, width, height, ratio) => {
    const y = (value) => u.valToPos(value, "y", true);
    if (chart.band) {
      ctx.fillStyle = inks["plot-band"];
      ctx.fillRect(left, y(chart.band.high), width, y(chart.band.low) - y(chart.band.high));
    }
    ctx.lineWidth = ratio;
    if (chart.baseline !== null) {
      ctx.strokeStyle = inks["plot-line"];
      ctx.setLineDash([ratio, 3 * ratio]);
      stroke(ctx, left, y(chart.baseline), left + width, y(chart.baseline));
    }
    ctx.strokeStyle = ctx.fillStyle = inks["plot-mark"];
    ctx.font = FONT.replace("12", String(12 * ratio));
    ctx.textBaseline = "top";
    ctx.setLineDash([4 * ratio, 3 * ratio]);
    let taken = -Infinity;
    let row = 0;
    for (const mark of chart.marks) {
      const x = u.valToPos(mark.time, "x", true);
      stroke(ctx, x, top, x, top + height);
      // Numbers of lines that are close to each other stand below each other.
      row = x - taken < 20 * ratio ? row + 1 : 0;
      taken = x;
      const isAtEdge = x > left + width - 20 * ratio;
      ctx.textAlign = isAtEdge ? "right" : "left";
      ctx.fillText(String(mark.number), x + (isAtEdge ? -3 : 3) * ratio, top + (3 + 14 * row) * ratio);
    }
  });
  const above = (u) => inPlot(u, (ctx, left, top, width, height, ratio) => {
    ctx.strokeStyle = inks["plot-gap"];
    ctx.lineWidth = 2 * ratio;
    ctx.setLineDash([]);
    const [y, arm] = [top + height - 10 * ratio, 4 * ratio];
    for (const point of chart.points.filter((one) => one.value === null)) {
      const x = u.valToPos(point.time, "x", true);
      stroke(ctx, x - arm, y - arm, x + arm, y + arm);
      stroke(ctx, x - arm, y + arm, x + arm, y - arm);
    }
  });
  return { below, above };
}

function axesOf(chart) {
  const lines = { stroke: ink("plot-grid"), width: 1 };
  const common = { stroke: ink("soft"), font: FONT, grid: lines, ticks: { ...lines, size: 4 } };
  return [
    { ...common, space: 90, size: 32, values: (u, splits, axis, space, increment) => splits.map((one) => dayOf(one, increment)) },
    { ...common, size: 48, splits: () => chart.ticks.map((one) => one.value), values: () => chart.ticks.map((one) => one.text) },
  ];
}

/** The plot of one trajectory: pointer and keys move one cursor over its stops, oldest first. */
class TrajectoryPlot {
  constructor(figure) {
    this.figure = figure;
    this.chart = JSON.parse(figure.dataset.chart);
    const { points, marks, first, last } = this.chart;
    this.stops = [...points.map((one, index) => ({ ...one, index })), ...marks].sort((a, b) => a.time - b.time);
    this.chosen = [];
    this.isPointed = false;
    const margin = (last - first) * 0.02 || DAY / 2;
    this.whole = { min: first - margin, max: last + margin };
    this.build();
    this.plot = new uPlot(this.options(), [points.map((one) => one.time), points.map((one) => one.value)], this.live);
    this.showWhole();
    this.listen();
    figure.append(this.tools, this.live, this.told);
    figure.classList.add("drawn");
  }

  build() {
    const make = (name, of) => Object.assign(document.createElement(name), of);
    const arrow = { "-1": "↓ ", 0: "", 1: "↑ " }[this.chart.sign];
    const button = (textContent, act) => {
      const made = make("button", { type: "button", textContent, onclick: act });
      made.setAttribute("aria-label", `${textContent}: ${this.chart.name}`);
      return made;
    };
    this.tools = make("div", { className: "plot-tools" });
    this.tools.append(
      make("span", { className: "soft", textContent: arrow + this.chart.direction }),
      button("Zoom in", () => this.zoom(0.5)),
      button("Whole time", () => this.showWhole()),
    );
    this.live = make("div", { className: "live-plot", tabIndex: 0 });
    this.live.setAttribute("role", "application");
    this.live.setAttribute("aria-label", `Plot of ${this.chart.name}`);
    this.live.setAttribute("aria-describedby", this.figure.dataset.hint);
    this.told = make("p", { className: "plot-told" });
    this.told.setAttribute("aria-live", "polite");
  }

  options() {
    const { below, above } = painter(this.chart);
    const margin = (this.chart.high - this.chart.low) * 0.04;
    return {
      width: this.figure.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      padding: [8, 36, 0, 0], // half of the last day fits
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      scales: {
        x: { range: (u, min, max) => [min, max] },
        y: { range: [this.chart.low - margin, this.chart.high + margin] },
      },
      axes: axesOf(this.chart),
      series: [{}, {
        stroke: ink("plot-line"), width: 2, spanGaps: false,
        points: { show: true, size: 8, width: 1, stroke: ink("plot-line"), fill: ink("plot-line") },
      }],
      cursor: {
        y: false,
        move: (u, left, top) => this.move(u, left, top),
        dataIdx: () => this.chosen.find((one) => one.index !== undefined)?.index ?? null,
        points: { size: 14, width: 3, stroke: ink("plot-line"), fill: ink("back") },
        drag: { x: true, y: false, dist: 8 },
        bind: { dblclick: () => () => this.showWhole() },
      },
      hooks: { drawAxes: [below], draw: [above], setCursor: [() => this.tell()] },
    };
  }

  listen() {
    const point = () => { this.isPointed = true; };
    this.live.addEventListener("mousemove", point, true);
    this.live.addEventListener("keydown", (event) => this.press(event));
    this.live.addEventListener("blur", () => {
      if (!this.isPointed) this.choose([]);
    });
    new ResizeObserver(() => {
      const width = this.figure.clientWidth;
      if (width && width !== this.plot.width) this.plot.setSize({ width, height: HEIGHT });
    }).observe(this.figure);
  }

  /** The pointer chooses the nearest stops; a key's choice stays where it is, whatever is drawn. */
  move(u, left, top) {
    if (this.isPointed) {
      this.chosen = left < 0 ? [] : this.nearest(u, left);
      return [left, top];
    }
    return this.chosen.length ? [u.valToPos(this.chosen[0].time, "x"), top] : [-10, -10];
  }

  nearest(u, left) {
    const { min, max } = u.scales.x;
    const placed = this.stops
      .filter((one) => one.time >= min && one.time <= max)
      .map((stop) => ({ stop, x: u.valToPos(stop.time, "x") }));
    if (!placed.length) return [];
    const best = placed.reduce((a, b) => (Math.abs(b.x - left) < Math.abs(a.x - left) ? b : a));
    return placed.filter((one) => Math.abs(one.x - best.x) <= NEAR).map((one) => one.stop);
  }

  press(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const last = this.stops.length - 1;
    const here = this.chosen.length ? this.stops.indexOf(this.chosen[0]) : null;
    const goals = {
      ArrowRight: () => this.step(here === null ? 0 : Math.min(here + 1, last)),
      ArrowLeft: () => this.step(here === null ? last : Math.max(here - 1, 0)),
      Home: () => this.step(0),
      End: () => this.step(last),
      "+": () => this.zoom(0.5),
      "-": () => this.zoom(2),
    };
    if (!Object.hasOwn(goals, event.key)) return;
    event.preventDefault();
    goals[event.key]();
  }

  step(index) {
    const stop = this.stops[index];
    const { min, max } = this.plot.scales.x;
    if (stop.time < min || stop.time > max) this.look(stop.time, max - min);
    this.choose([stop]);
  }

  choose(stops) {
    this.isPointed = false;
    this.chosen = stops;
    this.plot.setCursor({ left: stops.length ? this.plot.valToPos(stops[0].time, "x") : -10, top: stops.length ? 1 : -10 });
  }

  tell() {
    const told = this.chosen.map((one) => one.told).join("\n");
    if (this.told.textContent !== told) this.told.textContent = told;
    if (this.chosen.length) this.around = this.chosen[0].time;
  }

  zoom(factor) {
    const { min, max } = this.plot.scales.x;
    this.look(this.around ?? (min + max) / 2, Math.max((max - min) * factor, DAY));
  }

  /** Shows so many seconds around a moment, and nothing outside the whole time. */
  look(middle, seconds) {
    const { min, max } = this.whole;
    if (seconds >= max - min) return this.showWhole();
    const start = Math.min(Math.max(middle - seconds / 2, min), max - seconds);
    return this.plot.setScale("x", { min: start, max: start + seconds });
  }

  showWhole() {
    this.plot.setScale("x", this.whole);
  }
}

function start() {
  readInks();
  for (const figure of document.querySelectorAll(".trajectory")) plots.push(new TrajectoryPlot(figure));
  for (const hint of document.querySelectorAll(".plot-hint")) hint.hidden = false;
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    readInks();
    for (const one of plots) one.plot.redraw();
  });
}

if (globalThis.uPlot) start();
