// The report, elements, numbers for people, colours.

const report = JSON.parse(document.getElementById("report-data").textContent);
const { groups, runs } = report;
const root = document.documentElement;
const phone = matchMedia("(max-width: 560px)");
const narrow = matchMedia("(max-width: 820px)");
const touch = matchMedia("(pointer: coarse)");
const darkWish = matchMedia("(prefers-color-scheme: dark)");

const el = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
};
const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
const numbers = (list) => (list || []).filter(isNumber);
const extent = (list) => {
  let low = Infinity,
    high = -Infinity;
  for (const value of list) {
    if (!isNumber(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : null;
};
const plural = (count, one, many = one + "s") => `${count} ${count === 1 ? one : many}`;

const digits = (value) => {
  if (!isNumber(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size >= 1e6 || size < 1e-3 ? value.toExponential(2) : String(Number(value.toPrecision(4)));
};
const fixed = (places) => (value) => (isNumber(value) ? value.toFixed(places) : "–");
const percent = (places) => (value) => (isNumber(value) ? (100 * value).toFixed(places) : "–");
const bytes = (value) => {
  if (!isNumber(value)) return "–";
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let unit = 0;
  while (Math.abs(value) >= 999.5 && unit + 1 < units.length) {
    value /= 1000;
    ++unit;
  }
  return `${unit === 0 ? value : Number(value.toPrecision(3))} ${units[unit]}`;
};
const seconds = (value) => {
  if (!isNumber(value)) return "–";
  if (value >= 3600) return `${Math.floor(value / 3600)} h ${Math.round((value % 3600) / 60)} min`;
  if (value >= 60) return `${Math.floor(value / 60)} min ${Math.round(value % 60)} s`;
  if (value >= 1) return `${Number(value.toPrecision(3))} s`;
  return value >= 1e-3 || value === 0
    ? `${Number((1e3 * value).toPrecision(3))} ms`
    : `${Number((1e6 * value).toPrecision(3))} µs`;
};
// Groups with runs that have something: [{g, able}].
const groupsWith = (has) =>
  groups
    .map((group, g) => ({ g, able: group.runs.map((r) => runs[r]).filter(has) }))
    .filter(({ able }) => able.length);
const figure = (group, key) => group.figures[key];
const mean = (group, key) => (figure(group, key) || {}).mean;

// The scores of the runs' task: {name, test, train (their keys), column, more, share}; the first is
// the headline.
const { scores } = report;
const headline = scores[0];
const scoreFormat = (score) =>
  score.share ? percent(2) : score.name === "loss" ? fixed(3) : digits;
const scoreUnit = (score) => (score.share ? " %" : "");
const scoreScale = (score) => (score.share ? 100 : 1);
const capital = (text) => text[0].toUpperCase() + text.slice(1);

const colour = (name) =>
  getComputedStyle(root)
    .getPropertyValue("--" + name)
    .trim();
const groupColour = (g) => colour("c" + (g % 6));
const groupDash = (g) => ["solid", "dot", "dashdot", "longdash"][Math.floor(g / 6) % 4];
const isOpen = (g) => Math.floor(g / 6) % 2 === 1;
const groupSymbol = (g) =>
  ["circle", "square", "diamond", "triangle-up", "cross", "x"][g % 6] + (isOpen(g) ? "-open" : "");
const faded = (hex, alpha) => {
  const value = parseInt(hex.slice(1), 16);
  return `rgba(${value >> 16}, ${(value >> 8) & 255}, ${value & 255}, ${alpha})`;
};
// The share `t` of one colour in another.
const mixed = (hex, other, t) => {
  const [a, b] = [hex, other].map((text) => parseInt(text.slice(1), 16));
  const part = (shift) => Math.round(t * ((a >> shift) & 255) + (1 - t) * ((b >> shift) & 255));
  return `rgb(${part(16)}, ${part(8)}, ${part(0)})`;
};
// The last of them only where there were any.
const phases = ["compute", "communicate", "wait", "data", "evaluate", "probe"].filter(
  (phase) =>
    phase !== "probe" ||
    groups.some((group) => mean(group, "seconds.probe") > 0) ||
    runs.some((run) => run.timeline && run.timeline.workers.some((worker) => worker.probe > 0)),
);

const swatch = (g) => {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("class", "swatch");
  svg.setAttribute("viewBox", "0 0 26 12");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(space, "path");
  line.setAttribute("d", "M1 6H25");
  line.setAttribute("stroke", `var(--c${g % 6})`);
  line.setAttribute("stroke-width", "3");
  const dashes = ["", "2 3", "7 3 2 3", "10 4"][Math.floor(g / 6) % 4];
  if (dashes) line.setAttribute("stroke-dasharray", dashes);
  const mark = document.createElementNS(space, "path");
  mark.setAttribute(
    "d",
    [
      "M13 1a5 5 0 1 0 .01 0Z",
      "M8 1h10v10H8Z",
      "M13 0l6 6-6 6-6-6Z",
      "M13 0l6 11H7Z",
      "M11 1h4v3h3v4h-3v3h-4V8H8V4h3Z",
      "M9 1l4 3 4-3 1 2-3 3 3 3-1 2-4-3-4 3-1-2 3-3-3-3Z",
    ][g % 6],
  );
  mark.setAttribute("fill", isOpen(g) ? "var(--card)" : `var(--c${g % 6})`);
  mark.setAttribute("stroke", `var(--c${g % 6})`);
  mark.setAttribute("stroke-width", isOpen(g) ? "1.5" : "0");
  svg.append(line, mark);
  return svg;
};
