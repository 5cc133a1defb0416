// The noise the workers live in at the end, methods side by side.

// A mark with its error bar, for every entry {g, y, estimate, label}; one trace a method, whose
// colour it has.
const pointTraces = (entries, more = {}) =>
  groups
    .map((_, g) => entries.filter((entry) => entry.g === g))
    .filter((own) => own.length)
    .map((own) => {
      const { g } = own[0];
      return {
        type: "scatter",
        mode: "markers",
        x: own.map(({ estimate }) => estimate.value),
        y: own.map(({ y }) => y),
        error_x: {
          type: "data",
          array: own.map(({ estimate }) => estimate.standard_error || 0),
          color: groupColour(g),
          thickness: 1.6,
          width: 4,
        },
        cliponaxis: false,
        opacity: more.opacity,
        marker: {
          color: more.colour || groupColour(g),
          symbol: more.symbol || "circle",
          size: more.size || 9,
          line: { width: more.line || 0, color: more.colour || groupColour(g) },
        },
        customdata: own.map(({ label }) => label),
        hovertemplate: "%{customdata}<extra></extra>",
      };
    });
const withError = ({ value, standard_error: error }) =>
  isNumber(error) && error > 0 ? `${digits(value)} ± ${digits(Number(error.toPrecision(2)))}` : digits(value);
const hover = (run, what, estimate) => `<b>${run.name}</b><br>${what}: ${withError(estimate)}`;

// What the marks are, as text signs.
const markKeys = (list) => () =>
  el(
    "ul",
    { class: "keys", "aria-hidden": "true" },
    ...list.map(([sign, text, of]) =>
      el(
        "li",
        {},
        el("i", of ? { style: `background:var(--${of})` } : { class: "sign" }, of ? "" : sign),
        text,
      ),
    ),
  );

// Methods as rows, the runs of a method beside one another in its row.
// spec: {title, caption, x, of(run), traces(entries), lines, keys, columns, row(entry)}
const rowChart = (parent, spec) => {
  const shown = groupsWith((run) => spec.of(run));
  if (!shown.length) return;
  const entries = shown.flatMap(({ g, able }, row) =>
    able.map((run, k) => {
      const space = Math.min(0.24, 0.7 / able.length);
      return { g, run, row, space, of: spec.of(run), y: row + (k - (able.length - 1) / 2) * space };
    }),
  );
  const most = Math.max(...shown.map(({ able }) => able.length));
  chart(parent, {
    title: spec.title,
    caption: spec.caption,
    wide: spec.wide,
    height: Math.max(230, 96 + (32 + 6 * Math.min(most, 8)) * shown.length),
    below: spec.keys,
    traces: () => spec.traces(entries),
    layout: () => ({
      barmode: "relative",
      xaxis: axis(spec.x, spec.axis || {}),
      yaxis: axis("", {
        range: [shown.length - 0.45, -0.55],
        tickvals: shown.map((_, i) => i),
        ticktext: shown.map(({ g }) => shortName(groups[g].label)),
        tickfont: { color: colour("ink") },
        showgrid: false,
      }),
      shapes: (spec.lines || []).map((x) => ({
        type: "line",
        x0: x,
        x1: x,
        yref: "paper",
        y0: 0,
        y1: 1,
        layer: "below",
        line: { color: colour("muted"), width: 1.4, dash: "dash" },
      })),
    }),
    numbers: () => ({
      columns: ["run", ...spec.columns].map((title) => ({ title })),
      rows: entries.map((entry) => [entry.run.name, ...spec.row(entry)]),
    }),
  });
};

const estimateOr = (estimate) => (estimate ? withError(estimate) : "–");
const partOf = (key) => (run) => run.noise && run.noise[key];

const effectiveRate = (grid) =>
  rowChart(grid, {
    title: "Effective learning rate",
    caption:
      "How far the average steps along its own gradient, as a share of the learning rate. Dashed: 1, the step on the whole gradient. Bars are standard errors over draws of mini-batches.",
    x: "α<sub>e</sub> / α",
    of: partOf("rate"),
    lines: [1],
    keys: markKeys([
      ["●", "with mini-batches"],
      ["○", "of the spread alone"],
    ]),
    traces: (entries) =>
      [
        ["of_spread", "of the spread alone", { symbol: "circle-open", size: 15, line: 1.6 }],
        ["total", "α_e / α", {}],
      ].flatMap(([key, what, look]) =>
        pointTraces(
          entries
            .filter(({ of }) => of[key])
            .map(({ g, y, run, of }) => ({ g, y, estimate: of[key], label: hover(run, what, of[key]) })),
          look,
        ),
      ),
    columns: ["α_e / α", "of the spread alone"],
    row: ({ of }) => [estimateOr(of.total), estimateOr(of.of_spread)],
  });

const noiseParts = [
  ["of_batches", "of mini-batches", "compute"],
  ["of_spread", "of the spread", "communicate"],
  ["of_both", "of both together", "evaluate"],
];

const noiseStrength = (grid) =>
  rowChart(grid, {
    title: "Noise strength",
    caption:
      "Δ/α², the squared length of what a step has across the gradient, split in its parts; the part of both together may be negative. To compare: the squared length of the gradient itself.",
    x: "Δ / α², in gradient²",
    of: partOf("noise"),
    keys: markKeys([
      ...noiseParts.map(([, text, of]) => ["", text, of]),
      ["◆", "Δ/α²"],
      ["|", "||g||²"],
    ]),
    traces: (entries) => [
      ...noiseParts.map(([key, what, of]) => ({
        type: "bar",
        orientation: "h",
        x: entries.map((entry) => (entry.of[key] || {}).value),
        y: entries.map(({ y }) => y),
        width: entries.map(({ space }) => Math.max(space * 0.86, 0.05)),
        marker: { color: colour(of) },
        customdata: entries.map((entry) => (entry.of[key] ? hover(entry.run, what, entry.of[key]) : "")),
        hovertemplate: "%{customdata}<extra></extra>",
      })),
      ...pointTraces(
        entries
          .filter(({ of }) => of.total)
          .map(({ y, run, of }) => ({ g: 0, y, estimate: of.total, label: hover(run, "Δ/α²", of.total) })),
        { symbol: "diamond", size: 8, colour: colour("ink") },
      ).map((trace) => ({ ...trace, error_x: { ...trace.error_x, color: colour("ink") } })),
      ...pointTraces(
        entries
          .filter(({ run }) => isNumber(run.noise.gradient_norm))
          .map(({ y, run }) => {
            const estimate = { value: run.noise.gradient_norm ** 2 };
            return { g: 0, y, estimate, label: hover(run, "||g||²", estimate) };
          }),
        { symbol: "line-ns-open", size: 17, line: 2, colour: colour("ink") },
      ),
    ],
    columns: ["Δ/α²", ...noiseParts.map(([, text]) => text), "||g||"],
    row: ({ of, run }) => [
      ...["total", ...noiseParts.map(([key]) => key)].map((key) => estimateOr(of[key])),
      digits(run.noise.gradient_norm),
    ],
  });

const distances = (grid) =>
  rowChart(grid, {
    title: "Spread of the workers",
    caption:
      "How far each worker stands from the average, and the consensus distance, the root of σ_w², which is the mean of their squares.",
    x: "distance to the average",
    axis: { rangemode: "tozero" },
    of: partOf("spread"),
    keys: markKeys([
      ["●", "a worker"],
      ["◇", "consensus distance"],
    ]),
    traces: (entries) => [
      ...pointTraces(
        entries.flatMap(({ g, y, run, of }) =>
          of.distances.map((value, w) => ({
            g,
            y,
            estimate: { value },
            label: hover(run, `worker ${w}`, { value }),
          })),
        ),
        { size: 7, opacity: 0.55 },
      ),
      ...pointTraces(
        entries.map(({ g, y, run, of }) => ({
          g,
          y,
          estimate: { value: of.consensus_distance },
          label:
            hover(run, "consensus distance", { value: of.consensus_distance }) +
            `<br>σ_w²: ${digits(of.sigma_w_squared)}`,
        })),
        { symbol: "diamond-tall-open", size: 17, line: 2 },
      ),
    ],
    columns: ["consensus distance", "σ_w²", "nearest", "farthest"],
    row: ({ of }) => [
      digits(of.consensus_distance),
      digits(of.sigma_w_squared),
      ...(extent(of.distances) || []).map(digits),
    ],
  });

const smoothedLoss = (grid) =>
  rowChart(grid, {
    title: "Loss and smoothed loss",
    caption:
      "The loss of the average, its mean under isotropic noise of the workers' size, and the losses of the workers themselves.",
    x: "loss",
    of: (run) => run.noise && isNumber(run.noise.loss) && run.noise,
    keys: markKeys([
      ["●", "average"],
      ["◇", "smoothed"],
      ["|", "a worker"],
    ]),
    traces: (entries) => [
      ...pointTraces(
        entries.flatMap(({ g, y, run, of }) =>
          numbers((of.spread || {}).losses).map((value, w) => ({
            g,
            y,
            estimate: { value },
            label: hover(run, `loss of worker ${w}`, { value }),
          })),
        ),
        { symbol: "line-ns-open", size: 11, line: 1.6, opacity: 0.6 },
      ),
      ...pointTraces(
        entries.map(({ g, y, run, of }) => ({
          g,
          y,
          estimate: { value: of.loss },
          label: hover(run, "loss of the average", { value: of.loss }),
        })),
      ),
      ...pointTraces(
        entries
          .filter(({ of }) => of.smoothed)
          .map(({ g, y, run, of: { smoothed } }) => ({
            g,
            y,
            estimate: smoothed.loss,
            label: hover(run, "smoothed loss", smoothed.loss),
          })),
        { symbol: "diamond-open", size: 15, line: 1.8 },
      ),
    ],
    columns: ["loss", "smoothed loss", "σ a parameter"],
    row: ({ of: { loss, smoothed } }) => [
      digits(loss),
      ...(smoothed ? [withError(smoothed.loss), digits(smoothed.sigma)] : ["–", "–"]),
    ],
  });

const curvature = (grid) => {
  const places = [
    ["along the gradient", "circle", -1],
    ["towards workers", "square", 1],
  ];
  const each = (entries) =>
    entries.flatMap((entry) =>
      places.flatMap(([name, symbol, side]) =>
        entry.of
          .filter((one) => one.name === name)
          .map((one) => ({
            ...entry,
            ...one,
            symbol,
            y: entry.row + 0.2 * side + 0.5 * (entry.y - entry.row),
          })),
      ),
    );
  rowChart(grid, {
    title: "Curvature",
    wide: true,
    caption:
      "How the loss bends at the average, open, and how the smoothed loss does, filled; below 0 it bends down.",
    x: "loss / distance²",
    lines: [0],
    of: (run) => {
      const list = ((run.noise || {}).smoothed || {}).curvatures;
      return list && list.length ? list : null;
    },
    keys: markKeys([
      ["●", "along the gradient"],
      ["■", "towards the workers"],
      ["○", "without smoothing"],
    ]),
    traces: (entries) => {
      const all = each(entries);
      return [
        ...groups
          .map((_, g) => [g, all.filter((one) => one.g === g && isNumber(one.of_loss))])
          .filter(([, own]) => own.length)
          .map(([g, own]) => ({
            type: "scatter",
            mode: "lines",
            hoverinfo: "skip",
            line: { color: groupColour(g), width: 1.4 },
            x: own.flatMap((one) => [one.of_loss, one.of_smoothed_loss.value, null]),
            y: own.flatMap(({ y }) => [y, y, null]),
          })),
        ...places.flatMap(([name, symbol]) => {
          const some = all.filter((one) => one.name === name);
          return [
            ...pointTraces(
              some
                .filter((one) => isNumber(one.of_loss))
                .map((one) => ({
                  ...one,
                  estimate: { value: one.of_loss },
                  label: hover(one.run, `of the loss, ${name}`, { value: one.of_loss }),
                })),
              { symbol: symbol + "-open", size: 10, line: 1.8 },
            ),
            ...pointTraces(
              some.map((one) => ({
                ...one,
                estimate: one.of_smoothed_loss,
                label:
                  hover(one.run, `of the smoothed loss, ${name}`, one.of_smoothed_loss) +
                  (isNumber(one.bound) ? `<br>at most ${digits(one.bound)}` : ""),
              })),
              { symbol },
            ),
          ];
        }),
      ];
    },
    columns: places.flatMap(([name]) => [name, "smoothed", "at most"]),
    row: ({ of }) =>
      places.flatMap(([name]) => {
        const one = of.find((other) => other.name === name);
        return one
          ? [digits(one.of_loss), withError(one.of_smoothed_loss), digits(one.bound)]
          : ["–", "–", "–"];
      }),
  });
};

// The numbers of a heat map, one in each cell.
const written = (cells, names) => {
  const found = cells.flatMap((row, a) =>
    row.map((v, b) => ({ v, a, b })).filter(({ v }) => isNumber(v)),
  );
  return {
    type: "scatter",
    mode: "text",
    x: found.map(({ b }) => names[b]),
    y: found.map(({ a }) => names[a]),
    text: found.map(({ v }) => v.toFixed(0)),
    textfont: { color: colour("ink"), size: cells.length <= 5 ? 12.5 : 10 },
    hoverinfo: "skip",
  };
};

const mostMaps = 12;
const hasAngles = (run) =>
  run.noise && run.noise.spread && (run.noise.spread.angles || []).flat().some(isNumber);

// One heat map a run; a method's first run where all are too many.
const angles = (node) => {
  const shown = groupsWith(hasAngles);
  if (!shown.length) return;
  const all = shown.flatMap(({ g, able }) => able.map((run) => ({ g, run })));
  const some = (all.length <= mostMaps ? all : shown.map(({ g, able }) => ({ g, run: able[0] }))).slice(
    0,
    mostMaps,
  );
  const left =
    some.length < all.length
      ? ` Shown are ${some.length} of ${all.length} runs, the first of a method.`
      : "";
  node.append(
    el("h3", { class: "sub" }, "Angles between the workers"),
    el(
      "p",
      { class: "lead" },
      "In degrees, seen from their average: 180 are opposite, 0 stand in the same direction." + left,
    ),
  );
  const grid = el("div", { class: "grid maps" });
  node.append(grid);
  for (const { g, run } of some) {
    const { angles: degrees, workers } = run.noise.spread;
    const count = degrees.length;
    const names = degrees.map((_, w) => String(w));
    const cells = degrees.map((row, a) => row.map((v, b) => (a === b ? null : v)));
    const ends = extent(cells.flat());
    const even = (180 / Math.PI) * Math.acos(-1 / (workers - 1));
    chart(grid, {
      title: `Angles, ${hasMany(g) ? run.name : groups[g].label}`,
      height: 250,
      caption:
        `From ${ends[0].toFixed(0)}° to ${ends[1].toFixed(0)}°; ${workers} workers spread evenly have ${even.toFixed(1)}°.` +
        (count < workers ? ` The first ${count} workers.` : ""),
      traces: () => [
        {
          type: "heatmap",
          x: names,
          y: names,
          z: cells,
          zmin: 0,
          zmax: 180,
          xgap: count <= 16 ? 2 : 0,
          ygap: count <= 16 ? 2 : 0,
          showscale: false,
          colorscale: [
            [0, mixed(colour("communicate"), colour("card"), 0.8)],
            [0.5, colour("soft")],
            [0.7, mixed(colour("compute"), colour("card"), 0.42)],
            [1, mixed(colour("compute"), colour("card"), 0.66)],
          ],
          hoverongaps: false,
          hovertemplate: "workers %{y} and %{x}: %{z:.1f}°<extra></extra>",
        },
        ...(count <= 8 ? [written(cells, names)] : []),
      ],
      layout: () => ({
        margin: { l: 40, r: 8, t: 8, b: 40 },
        xaxis: axis("worker", {
          type: "category",
          showgrid: false,
          constrain: "domain",
          nticks: Math.min(count, 12),
        }),
        yaxis: axis("worker", {
          type: "category",
          autorange: "reversed",
          showgrid: false,
          scaleanchor: "x",
          constrain: "domain",
          nticks: Math.min(count, 12),
        }),
      }),
      numbers: () => ({
        columns: ["worker", ...names.map((name) => `to ${name}`)].map((title) => ({ title })),
        rows: cells.map((row, w) => [`worker ${w}`, ...row.map((v) => (isNumber(v) ? v.toFixed(1) : "–"))]),
      }),
    });
  }
};
const hasMany = (g) => groups[g].runs.filter((r) => hasAngles(runs[r])).length > 1;

// At a glance: a row a method.
const noiseTable = (shown) => {
  const of =
    (...keys) =>
    ({ noise }) =>
      keys.reduce((at, key) => (at ? at[key] : undefined), noise);
  const plain = (get) => (run) => (isNumber(get(run)) ? { value: get(run) } : null);
  const share = plain(({ noise: { noise } }) =>
    noise && noise.of_spread && noise.total && noise.total.value > 0
      ? (100 * noise.of_spread.value) / noise.total.value
      : null,
  );
  const rise = ({ noise: { loss, smoothed } }) =>
    smoothed && isNumber(loss)
      ? { value: smoothed.loss.value - loss, standard_error: smoothed.loss.standard_error }
      : null;
  const columns = [
    { title: "α_e / α", of: of("rate", "total") },
    { title: "Δ / α²", of: of("noise", "total") },
    { title: "of the spread, %", of: share },
    { title: "||g||", of: plain(of("gradient_norm")) },
    { title: "consensus distance", of: plain(of("spread", "consensus_distance")) },
    { title: "σ_w²", of: plain(of("spread", "sigma_w_squared")) },
    { title: "smoothed − loss", of: rise },
  ].filter((column) => shown.some(({ able }) => able.some((run) => column.of(run))));
  return table(
    "The noise at a glance; ± is the standard deviation over seeds, or the standard error of a single estimate.",
    [{ title: "method" }, ...columns],
    shown.map(({ g, able }) => [
      [swatch(g), groups[g].label],
      ...columns.map((column) => estimateCell(able.map(column.of).filter(Boolean), 3)),
    ]),
  );
};

const noise = () => {
  const shown = groupsWith((run) => run.noise);
  if (!shown.length) return;
  const node = section(
    "noise",
    "Noise",
    "What the workers' spread and their mini-batches do to a step of the average, at the end of the runs; a mark is a run.",
  );
  const card = el("div", { class: "card" }, noiseTable(shown));
  node.append(card);
  const remarks = new Map();
  for (const { g, able } of shown)
    for (const note of new Set(able.flatMap((run) => run.noise.notes || [])))
      remarks.set(note, [...(remarks.get(note) || []), groups[g].label]);
  if (remarks.size)
    card.append(
      el(
        "details",
        {},
        el("summary", {}, "Notes", el("span", { class: "sr" }, " on the noise")),
        ...[...remarks].map(([note, labels]) =>
          el("p", { class: "remark" }, el("b", {}, labels.join(", ")), `: ${note}.`),
        ),
      ),
    );
  const without = runs.filter((run) => run.status === "finished" && !run.noise);
  if (without.length) {
    const some = without.slice(0, 3).map((run) => run.name);
    const more = without.length > 3 ? ` and ${without.length - 3} more` : "";
    node.append(
      el("p", { class: "remark" }, `Not measured: ${some.join(", ")}${more}. `, el("code", {}, "valley dynamics RUN"), " does it."),
    );
  }
  const grid = el("div", { class: "grid", style: "margin-top:16px" });
  node.append(grid);
  effectiveRate(grid);
  noiseStrength(grid);
  distances(grid);
  smoothedLoss(grid);
  curvature(grid);
  angles(node);
};
