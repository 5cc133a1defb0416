// The head of the page, and how the methods compare.

const withSpread = (group, key, format) => {
  const f = figure(group, key);
  if (!f) return ["–"];
  return f.count > 1 && f.deviation > 0
    ? [format(f.mean), el("span", { class: "pm" }, ` ± ${format(f.deviation)}`)]
    : [format(f.mean)];
};
const bestOf = (key, least) => {
  let best = -1;
  groups.forEach((group, g) => {
    const value = mean(group, key);
    if (value === undefined) return;
    if (best < 0 || (least ? value < mean(groups[best], key) : value > mean(groups[best], key)))
      best = g;
  });
  return best;
};

const tiles = () => {
  const holder = document.getElementById("tiles");
  const several = groups.filter((group) => group.finished > 0).length > 1;
  const tile = (what, value, unit, who) =>
    holder.append(
      el(
        "div",
        { class: "tile" },
        el("div", { class: "what" }, what),
        el("div", { class: "value" }, value, el("small", {}, unit)),
        el("div", { class: "who" }, who),
      ),
    );
  const best = (what, key, least, value, unit, who) => {
    const g = bestOf(key, least);
    if (g < 0) return;
    tile(
      what,
      value(mean(groups[g], key)),
      unit,
      several ? groups[g].label : who ? who(groups[g]) : "",
    );
  };
  for (const score of scores.slice(0, 2)) {
    best(
      several ? `${score.more ? "Best" : "Lowest"} test ${score.name}` : `Test ${score.name}`,
      score.test,
      !score.more,
      scoreFormat(score),
      scoreUnit(score),
      (group) =>
        mean(group, score.train) === undefined
          ? ""
          : `training ${scoreFormat(score)(mean(group, score.train))}${scoreUnit(score)}`,
    );
  }
  const wide = bestOf("valley_width", false);
  if (wide >= 0 && mean(groups[wide], "valley_width") > 0) {
    const predicted = mean(groups[wide], "predicted_width");
    tile(
      several ? "Widest valley" : "Valley width",
      fixed(2)(mean(groups[wide], "valley_width")),
      predicted > 0 ? ` of ${fixed(2)(predicted)} predicted` : "",
      several ? groups[wide].label : "mean distance to the average",
    );
  }
  best(
    several ? "Fewest bytes sent" : "Sent a worker",
    "comm_bytes_per_worker",
    true,
    bytes,
    "",
    (group) =>
      mean(group, "comm_fraction_of_ssgd") === undefined
        ? ""
        : `${digits(100 * mean(group, "comm_fraction_of_ssgd"))} % of synchronous SGD`,
  );
  best(several ? "Shortest time" : "Time", "seconds.total", true, seconds, "", (group) =>
    mean(group, "samples_per_second") === undefined
      ? ""
      : `${Math.round(mean(group, "samples_per_second")).toLocaleString("en")} samples a second`,
  );
};

const cautions = () => {
  if (!report.cautions.length) return;
  main.append(
    el(
      "section",
      { "aria-label": "Before you read on" },
      el(
        "div",
        { class: "card note" },
        el("ul", {}, ...report.cautions.map((text) => el("li", {}, text))),
      ),
    ),
  );
};

const figures = [
  ...scores.map((score) => ({
    key: score.test,
    title: score.column,
    format: scoreFormat(score),
    best: score.more ? "most" : "least",
  })),
  { key: "train_loss", title: "train loss", format: fixed(3) },
  {
    key: "generalization_gap",
    title: "gap" + scoreUnit(headline),
    format: headline.share ? percent(2) : digits,
    best: "least",
  },
  { key: "valley_width", title: "valley width", format: fixed(2) },
  { key: "predicted_width", title: "predicted", format: (v) => (v > 0 ? fixed(2)(v) : "–") },
  { key: "comm_bytes_per_worker", title: "bytes sent", format: bytes, best: "least" },
  { key: "comm_fraction_of_ssgd", title: "% of ssgd", format: percent(1) },
  {
    key: "seconds.total",
    title: "seconds",
    format: (v) => fixed(v < 100 ? 1 : 0)(v),
    best: "least",
  },
];

const label = (group, g) => {
  const missing = group.runs.map((r) => runs[r].status).filter((status) => status !== "finished");
  const word = new Set(missing).size === 1 ? missing[0] : "not finished";
  return [
    swatch(g),
    group.label,
    missing.length
      ? el("span", { class: "badge" }, group.finished ? `${missing.length} ${word}` : word)
      : null,
  ].filter(Boolean);
};

const comparison = () => {
  const used = figures.filter((column) => groups.some((group) => figure(group, column.key)));
  const node = section(
    "results",
    groups.length > 1 ? "Comparison" : "Result",
    groups.some((group) => group.finished > 1)
      ? "Scores of the average of the workers' models: mean ± standard deviation over seeds."
      : "Scores of the average of the workers' models.",
  );
  const scored = groups.filter((group) => group.finished > 0).length;
  const winners = used.map((column) =>
    scored > 1 && column.best ? bestOf(column.key, column.best === "least") : -1,
  );
  const columns = [
    { title: "method" },
    { title: "seeds" },
    ...used.map(({ title }) => ({ title })),
  ];
  const rows = groups.map((group, g) => [
    label(group, g),
    String(group.finished),
    ...used.map((column, c) => [
      ...withSpread(group, column.key, column.format),
      ...(winners[c] === g ? [el("span", { class: "sr" }, " (best)")] : []),
    ]),
  ]);
  const best = (r, c) => (c >= 2 && winners[c - 2] === r ? "best" : "");
  const card = el(
    "div",
    { class: "card" },
    table(
      scored > 1 ? "The best of a column is shaded." : "Figures of the run",
      columns,
      rows,
      best,
    ),
  );
  if (runs.length > 1) card.append(everyRun());
  node.append(card);
  tradeoff(node);
};

const everyRun = () => {
  const own = figures.filter(({ key }) =>
    runs.some((run) => summaryFigure(run, key) !== undefined),
  );
  const columns = [
    { title: "run" },
    { title: "seed" },
    { title: "status", text: true },
    ...own.map(({ title }) => ({ title })),
  ];
  return el(
    "details",
    {},
    el("summary", {}, `All ${runs.length} runs`),
    table(
      "Every run by itself",
      columns,
      runs.map((run) => [
        run.name,
        run.seed,
        run.status === "finished"
          ? "finished"
          : `${run.status}${run.reached ? " at " + run.reached : ""}`,
        ...own.map(({ key, format }) => format(summaryFigure(run, key))),
      ]),
    ),
  );
};
const summaryFigure = (run, key) => {
  const value = key
    .split(".")
    .reduce((at, part) => (at ? at[part] : undefined), run.summary || undefined);
  return isNumber(value) ? value : undefined;
};

const tradeoff = (node) => {
  const shown = groups
    .map((_, g) => g)
    .filter(
      (g) =>
        mean(groups[g], headline.test) !== undefined &&
        mean(groups[g], "comm_bytes_per_worker") > 0,
    );
  const bars = timed().length > 1;
  if (shown.length < 2 && !bars) return;
  const grid = el("div", { class: "grid", style: "margin-top:16px" });
  node.append(grid);
  if (shown.length > 1) scoreOverTraffic(grid, shown);
  if (bars) phaseBars(grid, 320, shown.length < 2);
};
const scoreOverTraffic = (grid, shown) => {
  const scale = scoreScale(headline),
    sign = scoreUnit(headline);
  chart(grid, {
    title: `${capital(headline.name)} against traffic`,
    caption: `${headline.more ? "Up" : "Down"} is better, left is less traffic; bars are a standard deviation over seeds.`,
    height: 320,
    traces: () =>
      shown.map((g) => ({
        type: "scatter",
        mode: "markers+text",
        name: groups[g].label,
        x: [mean(groups[g], "comm_bytes_per_worker") / 1e6],
        y: [scale * mean(groups[g], headline.test)],
        text: [shown.length <= 8 ? groups[g].label.split(" ")[0] : ""],
        textposition: "top center",
        textfont: { color: colour("ink") },
        cliponaxis: false,
        error_y: {
          type: "data",
          array: [scale * figure(groups[g], headline.test).deviation],
          color: groupColour(g),
          thickness: 1.5,
          width: 5,
        },
        marker: { size: 13, symbol: groupSymbol(g), color: groupColour(g) },
        hovertemplate: `<b>%{fullData.name}</b><br>%{y:${headline.share ? ".2f" : ".4g"}}${sign}<br>%{x:.4g} MB<extra></extra>`,
      })),
    layout: () => ({
      xaxis: axis("sent by a worker, MB", { rangemode: "tozero" }),
      yaxis: axis(`test ${headline.name}${headline.share ? ", %" : ""}`),
    }),
    numbers: () => ({
      columns: [{ title: "method" }, { title: "MB" }, { title: `test ${headline.name}${sign}` }],
      rows: shown.map((g) => [
        groups[g].label,
        digits(mean(groups[g], "comm_bytes_per_worker") / 1e6),
        withSpread(groups[g], headline.test, scoreFormat(headline)),
      ]),
    }),
  });
};

// Groups whose phases are known.
const timed = () => groups.map((_, g) => g).filter((g) => figure(groups[g], "seconds.compute"));
const phaseBars = (parent, height, wide = false) => {
  const shown = timed();
  phaseChart(parent, {
    title: "Seconds by phase",
    caption: "Where the wall time of a worker went, mean over workers and seeds.",
    wide,
    height: Math.max(height || 0, 110 + 30 * shown.length),
    what: "method",
    rows: shown.map((g) => ({
      name: groups[g].label,
      ...Object.fromEntries(phases.map((phase) => [phase, mean(groups[g], "seconds." + phase)])),
    })),
    axis: { ticktext: shown.map((g) => shortName(groups[g].label)) },
  });
};
// Seconds as stacked bars. spec.rows: [{name, compute, communicate, ...}]
const phaseChart = (parent, { rows, what, axis: own, ...spec }) => {
  const names = rows.map(({ name }) => name);
  chart(parent, {
    ...spec,
    below: phaseKeys,
    traces: () =>
      phases.map((phase) => ({
        type: "bar",
        orientation: "h",
        name: phase,
        y: names,
        x: rows.map((row) => row[phase]),
        marker: { color: colour(phase) },
        hovertemplate: `${phase}: %{x:.3g} s<extra>%{y}</extra>`,
      })),
    layout: () => ({
      barmode: "stack",
      bargap: 0.32,
      xaxis: axis("seconds"),
      yaxis: axis("", {
        type: "category",
        autorange: "reversed",
        tickfont: { color: colour("ink") },
        ...(own.ticktext ? { tickvals: names } : {}),
        ...own,
      }),
    }),
    numbers: () => ({
      columns: [what, ...phases].map((title) => ({ title })),
      rows: rows.map((row) => [row.name, ...phases.map((phase) => seconds(row[phase]))]),
    }),
  });
};
// Labels begin with the algorithm and end with what tells them apart: the middle goes.
const shortName = (name) => {
  const most = phone.matches ? 15 : 28;
  if (name.length <= most) return name;
  const tail = Math.floor(0.55 * most);
  return name.slice(0, most - 1 - tail) + "…" + name.slice(-tail);
};
const phaseKeys = () =>
  el(
    "ul",
    { class: "keys", "aria-hidden": "true" },
    ...phases.map((phase) => el("li", {}, el("i", { style: `background:var(--${phase})` }), phase)),
  );
