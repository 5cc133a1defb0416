// A study: which measure of sharpness orders its runs by the generalisation gap.

const studyColumns = (study) => [
  { title: "measure" },
  { title: "τ-b" },
  { title: "granulated" },
  ...study.axes.map((title) => ({ title })),
  { title: "runs" },
];
const tau = (value) => (isNumber(value) ? value.toFixed(2).replace("-0.00", "0.00") : "–");
const tauWithError = (value, error) =>
  isNumber(value) && isNumber(error)
    ? [tau(value), el("span", { class: "pm" }, ` ± ${error.toFixed(2)}`)]
    : tau(value);
const rankRow = (rank) => [
  rank.small_is_sharp ? [rank.measure, el("span", { class: "pm" }, " (small is sharp)")] : rank.measure,
  tauWithError(rank.tau, rank.standard_error),
  tauWithError(rank.granulated, rank.granulated_error),
  ...rank.by_axis.map(tau),
  isNumber(rank.runs) ? String(rank.runs) : "–",
];

const gapAgainst = (grid, study, rank) => {
  const points = study.runs.filter((run) => isNumber(run.values[rank.measure]));
  if (!points.length) return;
  const name = rank.measure;
  chart(grid, {
    title: name,
    height: 250,
    caption:
      (isNumber(rank.tau) ? `τ-b ${tau(rank.tau)}` : "Too few runs to rank") +
      (rank.small_is_sharp ? "; small is sharp." : "; large is sharp."),
    traces: () =>
      study.groups
        .map((label, g) => ({ label, g, own: points.filter((run) => run.group === g) }))
        .filter(({ own }) => own.length)
        .map(({ label, g, own }) => ({
          type: "scatter",
          mode: "markers",
          name: label,
          x: own.map((run) => run.values[name]),
          y: own.map((run) => (study.share ? 100 : 1) * run.gap),
          cliponaxis: false,
          marker: { color: groupColour(g), symbol: groupSymbol(g), size: 9, line: { width: 0 } },
          customdata: own.map((run) => run.name),
          hovertemplate: `<b>%{customdata}</b><br>${name}: %{x:.4g}<br>gap: %{y:${study.share ? ".2f} %" : ".4g}"}<extra></extra>`,
        })),
    layout: () => ({ xaxis: axis(name), yaxis: axis(study.share ? "gap, %" : "gap") }),
    numbers: () => ({
      columns: ["run", name, study.share ? "gap %" : "gap"].map((title) => ({ title })),
      rows: points.map((run) => [run.name, digits(run.values[name]), (study.share ? percent(2) : digits)(run.gap)]),
    }),
  });
};

const notRanked = ({ others, until_loss: until }) =>
  others.length
    ? el(
        "details",
        {},
        el("summary", {}, `${plural(others.length, "run")} not ranked`),
        ...others.map((run) =>
          el(
            "p",
            { class: "remark" },
            run.status === "short"
              ? `${run.name} ended at training loss ${digits(run.train_loss)}, not ${digits(until)}.`
              : `${run.name}: ${run.status}.`,
          ),
        ),
      )
    : null;

const studies = () =>
  report.studies.forEach((study, s) => {
    const all = study.runs.length + study.others.length;
    const node = section(
      s ? `study-${s}` : "study",
      report.studies.length > 1 ? `Study ${study.name}` : "Study",
      "Which measure of sharpness explains how the runs generalise: Kendall's τ-b between a measure and the generalisation gap: how much worse the model is on the test set than on the training set. 1 means: the sharper, the larger the gap; 0 no order, -1 the reverse. The training loss is a control.",
    );
    const card = el("div", { class: "card" });
    node.append(card);
    card.append(
      study.ranking.length
        ? table(
            `${study.runs.length} of ${plural(all, "run")}; ± is the standard error over bootstrap samples of settings; granulated is the mean of the columns beside it, each τ-b among runs that differ in this setting alone.`,
            studyColumns(study),
            study.ranking.map(rankRow),
          )
        : el("p", {}, `${study.runs.length} of ${plural(all, "run")} have what it takes to be ranked: too few.`),
    );
    const left = notRanked(study);
    if (left) card.append(left);
    if (!study.ranking.length) return;
    node.append(
      el("h3", { class: "sub" }, "The measures against the gap"),
      el(
        "ul",
        { class: "keys", style: "margin-bottom:14px" },
        ...study.groups.map((label, g) => el("li", {}, swatch(g), label)),
      ),
    );
    const grid = el("div", { class: "grid plots" });
    node.append(grid);
    for (const rank of study.ranking) gapAgainst(grid, study, rank);
  });
