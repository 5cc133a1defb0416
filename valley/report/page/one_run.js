// Panels about one run at a time.

// A section about one run at a time; a menu chooses where there are several.
const perRun = (id, title, lead, key, show, first = 0) => {
  const able = runs.filter((run) => run[key]);
  if (!able.length) return;
  const node = section(id, title, lead);
  const holder = el("div");
  if (able.length > 1) {
    const menu = el(
      "select",
      { id: id + "-run" },
      ...able.map((run, i) => el("option", { value: String(i), selected: i === first }, run.name)),
    );
    menu.addEventListener("change", () => {
      forget(holder);
      show(holder, able[Number(menu.value)]);
    });
    node.append(el("div", { class: "pick" }, el("label", { for: id + "-run" }, "Run"), menu));
  }
  node.append(holder);
  show(holder, able[first] || able[0]);
};
const mostWaiting = () => {
  const waiting = ({ workers }) =>
    workers.reduce((sum, w) => sum + w.wait, 0) /
    workers.reduce((sum, w) => sum + phases.reduce((all, phase) => all + w[phase], 0), 0);
  return runs
    .filter((run) => run.timeline)
    .reduce(
      (best, run, i, able) => (waiting(run.timeline) > waiting(able[best].timeline) ? i : best),
      0,
    );
};
const widest = (key) => {
  const able = runs.filter((run) => run[key]);
  const width = (run) => summaryFigure(run, "valley_width") || 0;
  return able.reduce((best, run, i) => (width(run) > width(able[best]) ? i : best), 0);
};
