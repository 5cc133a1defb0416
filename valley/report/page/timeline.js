// What every worker did when.

const timeline = (holder, { run }) => {
  const { workers, shares, window: stretch, dropped, sentence } = run.timeline;
  if (sentence) holder.append(el("div", { class: "card finding" }, el("p", {}, sentence)));
  const grid = el("div", { class: "grid" });
  holder.append(grid);
  const names = workers.map((_, w) => `worker ${w}`);
  const height = (rows) => Math.max(230, 96 + 26 * rows);
  const missing = dropped
    ? ` ${plural(dropped, "span")} in the middle of the run were not recorded.`
    : "";
  const rowAxis = (count) =>
    axis("", {
      autorange: "reversed",
      type: "category",
      categoryarray: names.slice(0, count),
      tickfont: { color: colour("ink") },
      nticks: Math.min(count, 32),
    });
  const rows = shares.wait.length;
  const few = rows < workers.length ? ` The first ${rows} of ${workers.length} workers.` : "";
  const worst = Math.max(...shares.wait.map((row) => row.reduce((a, b) => a + b, 0) / row.length));
  const waits = worst >= 0.005;
  const centres = (shares.wait[0] || []).map((_, i) => (i + 0.5) * shares.seconds);
  phaseChart(grid, {
    title: "Seconds of each worker",
    caption: "What every worker spent its time on." + missing,
    wide: !waits,
    height: height(workers.length),
    what: "worker",
    rows: workers.map((worker, w) => ({ name: names[w], ...worker })),
    axis: { nticks: Math.min(workers.length, 32) },
  });

  if (waits)
    chart(grid, {
      title: "Waiting over the run",
      height: height(rows),
      caption:
        "Share of the time a worker waits for others; who is never lit up is who they wait for." +
        few,
      traces: () => [
        {
          type: "heatmap",
          x: centres,
          y: names.slice(0, rows),
          z: shares.wait.map((row) => row.map((v) => 100 * v)),
          zmin: 0,
          zmax: 100,
          ygap: 3,
          colorscale: [
            [0, colour("soft")],
            [0.5, colour("communicate")],
            [1, colour("wait")],
          ],
          colorbar: { title: { text: "%", side: "top" }, thickness: 10, len: 0.9, outlinewidth: 0 },
          hovertemplate: "%{y}, %{x:.3g} s: waiting %{z:.0f} %<extra></extra>",
        },
      ],
      layout: () => ({ xaxis: axis("seconds", { showgrid: false }), yaxis: rowAxis(rows) }),
      numbers: () => ({
        columns: [
          { title: "worker" },
          { title: "mean wait %" },
          { title: "longest, % of a stretch" },
        ],
        rows: shares.wait.map((row, w) => [
          `worker ${w}`,
          digits((100 * row.reduce((a, b) => a + b, 0)) / row.length),
          digits(100 * Math.max(...row)),
        ]),
      }),
    });

  const length = stretch.end - stretch.begin;
  const [unit, factor] = length < 1 ? ["milliseconds", 1e3] : ["seconds", 1];
  chart(grid, {
    title: "A stretch in full",
    wide: true,
    height: Math.max(220, 90 + 40 * rows),
    below: phaseKeys,
    caption:
      `${seconds(length)} from ${seconds(stretch.begin)} after the start. What runs beside computing is drawn as a thin bar.` +
      few,
    traces: () =>
      phases.map((phase, p) => {
        const spans = stretch.spans.filter((span) => span[1] === p);
        const thin = phase === "communicate" || phase === "wait";
        return {
          type: "bar",
          orientation: "h",
          name: phase,
          y: spans.map((span) => `worker ${span[0]}`),
          base: spans.map((span) => factor * span[2]),
          x: spans.map((span) => factor * span[3]),
          width: thin ? 0.42 : 0.74,
          marker: { color: colour(phase), line: { width: 0 } },
          customdata: spans.map((span) => span[4]),
          hovertemplate: `${phase}, %{x:.3g} ${unit}, step %{customdata}<extra>%{y}</extra>`,
        };
      }),
    layout: () => ({
      barmode: "overlay",
      xaxis: axis(unit, { range: [0, factor * length] }),
      yaxis: rowAxis(rows),
    }),
    numbers: () => ({
      columns: ["worker", ...phases.map((phase) => phase)].map((title) => ({ title })),
      rows: Array.from({ length: rows }, (_, w) => [
        `worker ${w}`,
        ...phases.map((_, p) =>
          seconds(
            stretch.spans
              .filter((span) => span[0] === w && span[1] === p)
              .reduce((sum, span) => sum + span[3], 0),
          ),
        ),
      ]),
    }),
  });
};
