// Sharpness, spectrum and dynamics.

// The mean of estimates {value, standard_error} and its deviation over seeds, or of a single one its
// standard error.
const estimateCell = (found, places = 4) => {
  const short = (v) => digits(Number(v.toPrecision(places)));
  const values = found.map((m) => m.value).filter(isNumber);
  if (!values.length) return "–";
  const average = values.reduce((a, b) => a + b) / values.length;
  const error =
    values.length > 1
      ? Math.sqrt(values.reduce((sum, v) => sum + (v - average) ** 2, 0) / (values.length - 1))
      : found[0].standard_error;
  return isNumber(error) && error > 0
    ? [short(average), el("span", { class: "pm" }, ` ± ${digits(Number(error.toPrecision(2)))}`)]
    : short(average);
};

// Values taken in different ways are not to be compared, and the reader must know.
const waysMeasured = (shown) => {
  const ways = new Map();
  for (const { able } of shown) {
    for (const { name, sharpness } of able) {
      if (!sharpness.how) continue;
      ways.set(sharpness.how, [...(ways.get(sharpness.how) || []), name]);
    }
  }
  if (!ways.size) return null;
  if (ways.size === 1) return el("p", { style: "color:var(--muted);margin:0 0 12px" }, `Measured over ${[...ways.keys()][0]}.`);
  return el(
    "div",
    { class: "card note", style: "margin-bottom:16px" },
    el("p", {}, "Not all runs were measured in the same way; compare those that were:"),
    el("ul", {}, ...[...ways].map(([how, names]) => el("li", {}, `${names.join(", ")}: ${how}`))),
  );
};

const shownGroups = (list) => [...new Set(list.map(({ g }) => g))];
const groupKeys = (list) =>
  el("ul", { class: "keys" }, ...list.map((g) => el("li", {}, swatch(g), groups[g].label)));

// The part of a density's axis that says something: below the floor it is the tails of bumps. Where the
// file does not know it, eight decades.
const meaningful = (spectra) => {
  const highest = extent(spectra.flatMap(({ density }) => density)) || [0, 0];
  const floor = Math.min(...spectra.map((one) => one.floor || 1e-8 * Math.max(...numbers(one.density))));
  if (!(floor > 0 && floor < highest[1])) return {};
  const ends = [Math.log10(floor), Math.log10(highest[1])];
  return { range: [ends[0], ends[1] + 0.06 * (ends[1] - ends[0])] };
};

const sharpness = () => {
  const shown = groupsWith((run) => run.sharpness);
  if (!shown.length) return;
  const node = section(
    "sharpness",
    "Sharpness",
    "How steep and how curved the loss is around the average of the workers' models.",
  );
  const names = [];
  for (const { able } of shown) {
    for (const run of able)
      for (const m of run.sharpness.measures || []) if (!names.includes(m.name)) names.push(m.name);
  }
  const ways = waysMeasured(shown);
  if (ways) node.append(ways);
  if (names.length) {
    const notes = new Map();
    const cell = (able, name) => {
      const found = able
        .map((run) => (run.sharpness.measures || []).find((m) => m.name === name))
        .filter(Boolean);
      for (const m of found) {
        const text = [m.unit, m.note].filter(Boolean).join("; ");
        if (text && !notes.has(name)) notes.set(name, text);
      }
      return estimateCell(found);
    };
    const rows = names.map((name) => [name, ...shown.map(({ able }) => cell(able, name))]);
    const some = notes.size > 0;
    node.append(
      el(
        "div",
        { class: "card", style: "margin-bottom:16px" },
        table(
          "Measures; ± is the standard deviation over seeds, or the standard error of a single estimate.",
          [
            { title: "measure" },
            ...shown.map(({ g }) => ({ title: groups[g].label })),
            ...(some ? [{ title: "note", text: true }] : []),
          ],
          rows.map((row, r) => (some ? [...row, notes.get(names[r]) || ""] : row)),
        ),
      ),
    );
  }
  const spectra = shown.flatMap(({ g, able }) =>
    able
      .filter((run) => run.sharpness.spectrum)
      .map((run) => ({ g, run, ...run.sharpness.spectrum })),
  );
  if (!spectra.length) return;
  chart(node, {
    title: "Spectrum of the Hessian",
    height: 340,
    caption:
      "Density of the eigenvalues, on a logarithmic axis that ends at a tenth of the height of a single one; what lies far to the right is steep.",
    traces: () =>
      spectra.map(({ g, run, eigenvalue, density }) => ({
        type: "scatter",
        mode: "lines",
        x: eigenvalue,
        y: density.map((v) => (v > 0 ? v : null)),
        name: `${groups[g].label}, ${run.name}`,
        line: { color: groupColour(g), width: 2, dash: groupDash(g) },
        hovertemplate: "%{x:.4g}: %{y:.3g}<extra>%{fullData.name}</extra>",
      })),
    layout: () => ({
      xaxis: axis("eigenvalue"),
      yaxis: axis("density", { type: "log", exponentformat: "power", ...meaningful(spectra) }),
    }),
    below: () => (shownGroups(spectra).length > 1 ? groupKeys(shownGroups(spectra)) : null),
    numbers: () => ({
      columns: ["run", "lowest eigenvalue", "highest eigenvalue"].map((title) => ({ title })),
      rows: spectra.map(({ run, eigenvalue }) => [run.name, ...extent(eigenvalue).map(digits)]),
    }),
  });
};

const dynamics = (holder, { run }) => {
  const grid = el("div", { class: "grid" });
  holder.append(grid);
  for (const panel of run.dynamics.panels) {
    chart(grid, {
      title: panel.title,
      caption: `${panel.series.map((one) => one.name).join(", ")}, against the ${panel.x_label}.`,
      traces: () =>
        panel.series.map((one, g) => ({
          type: "scatter",
          mode: numbers(one.y).length <= 30 ? "lines+markers" : "lines",
          x: one.x,
          y: one.y,
          name: one.name,
          line: { color: groupColour(g), width: 2.2, dash: groupDash(g) },
          marker: { symbol: groupSymbol(g), size: 6 },
          hovertemplate: "%{x:.4g}: %{y:.4g}<extra>%{fullData.name}</extra>",
        })),
      layout: () => ({
        xaxis: axis(panel.x_label),
        yaxis: axis(panel.title),
        showlegend: panel.series.length > 1,
        legend: { orientation: "h", y: 1.15 },
      }),
      numbers: () => ({
        columns: ["series", "first", "lowest", "highest", "last"].map((title) => ({ title })),
        rows: panel.series
          .filter((one) => numbers(one.y).length)
          .map((one) => {
            const values = numbers(one.y),
              ends = extent(values);
            return [
              one.name,
              ...[values[0], ends[0], ends[1], values[values.length - 1]].map(digits),
            ];
          }),
      }),
    });
  }
};
