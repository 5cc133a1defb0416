// Panels about one run at a time.

// A section about one run at a time; a menu chooses where there are several.
// entries: [{name, run, ...}], what `show` is given.
const perRun = (id, title, lead, entries, show, first = 0) => {
  if (!entries.length) return;
  const node = section(id, title, lead);
  const holder = el("div");
  if (entries.length > 1) {
    const menu = el(
      "select",
      { id: id + "-run" },
      ...entries.map(({ name }, i) => el("option", { value: String(i), selected: i === first }, name)),
    );
    menu.addEventListener("change", () => {
      forget(holder);
      show(holder, entries[Number(menu.value)]);
    });
    node.append(el("div", { class: "pick" }, el("label", { for: id + "-run" }, "Run"), menu));
  }
  node.append(holder);
  show(holder, entries[first] || entries[0]);
};
const having = (key) => runs.filter((run) => run[key]).map((run) => ({ name: run.name, run }));
// Every plane of every run.
const surveys = () =>
  runs.flatMap((run) =>
    (run.landscapes || []).map((survey, i, all) => ({
      name: all.length > 1 ? `${run.name}, plane ${survey.plane}` : run.name,
      run,
      survey,
    })),
  );
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
const widest = (entries) => {
  const width = ({ run }) => summaryFigure(run, "valley_width") || 0;
  return entries.reduce((best, entry, i) => (width(entry) > width(entries[best]) ? i : best), 0);
};
