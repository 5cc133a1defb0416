"use strict";
(() => {
  const report = JSON.parse(document.getElementById("report-data").textContent);
  const { groups, runs } = report;
  const root = document.documentElement;
  const phone = matchMedia("(max-width: 560px)");
  const touch = matchMedia("(pointer: coarse)");
  const darkWish = matchMedia("(prefers-color-scheme: dark)");

  // ---- small tools ---------------------------------------------------------------------------

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
    return size >= 1e6 || size < 1e-3
      ? value.toExponential(2)
      : String(Number(value.toPrecision(4)));
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
    if (value >= 3600)
      return `${Math.floor(value / 3600)} h ${Math.round((value % 3600) / 60)} min`;
    if (value >= 60) return `${Math.floor(value / 60)} min ${Math.round(value % 60)} s`;
    if (value >= 1) return `${Number(value.toPrecision(3))} s`;
    return value >= 1e-3 || value === 0
      ? `${Number((1e3 * value).toPrecision(3))} ms`
      : `${Number((1e6 * value).toPrecision(3))} µs`;
  };
  const figure = (group, key) => group.figures[key];
  const mean = (group, key) => (figure(group, key) || {}).mean;

  // ---- colours -------------------------------------------------------------------------------

  const colour = (name) =>
    getComputedStyle(root)
      .getPropertyValue("--" + name)
      .trim();
  const groupColour = (g) => colour("c" + (g % 6));
  const groupDash = (g) => ["solid", "dot", "dashdot", "longdash"][Math.floor(g / 6) % 4];
  const isOpen = (g) => Math.floor(g / 6) % 2 === 1;
  const groupSymbol = (g) =>
    ["circle", "square", "diamond", "triangle-up", "cross", "x"][g % 6] +
    (isOpen(g) ? "-open" : "");
  const faded = (hex, alpha) => {
    const value = parseInt(hex.slice(1), 16);
    return `rgba(${value >> 16}, ${(value >> 8) & 255}, ${value & 255}, ${alpha})`;
  };
  const phases = ["compute", "communicate", "wait", "data", "evaluate"];

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

  // ---- sections, tables, charts --------------------------------------------------------------

  const main = document.getElementById("content");
  const navigation = el("ul");
  document.getElementById("nav").append(navigation);

  const section = (id, title, lead) => {
    const node = el(
      "section",
      { id, "aria-labelledby": id + "-title" },
      el("h2", { id: id + "-title" }, title),
      lead ? el("p", { class: "lead" }, lead) : null,
    );
    main.append(node);
    navigation.append(el("li", {}, el("a", { href: "#" + id }, title)));
    return node;
  };

  // columns: [{title, text}]; rows: lists of strings or nodes; the first cell heads its row.
  const table = (caption, columns, rows, classes = () => "") =>
    el(
      "div",
      { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
      el(
        "table",
        {},
        el("caption", {}, caption),
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            ...columns.map((column) =>
              el(
                "th",
                { scope: "col", class: column.text ? "text" : null, title: column.title2 },
                column.title,
              ),
            ),
          ),
        ),
        el(
          "tbody",
          {},
          ...rows.map((row, r) =>
            el(
              "tr",
              {},
              ...row.map((cell, c) =>
                c === 0
                  ? el("th", { scope: "row" }, ...[].concat(cell))
                  : el(
                      "td",
                      {
                        class:
                          [columns[c].text ? "text" : "", classes(r, c)].join(" ").trim() || null,
                      },
                      ...[].concat(cell),
                    ),
              ),
            ),
          ),
        ),
      ),
    );

  const charts = [];
  const mostRows = 60;

  // A figure with a heading, a caption, and its numbers as a table. `traces` and `layout` are
  // functions, asked again when colours change; `numbers` gives {columns, rows}.
  const chart = (parent, spec) => {
    const plot = el("div", {
      class: "plot",
      role: "img",
      "aria-label": `${spec.title}. ${spec.caption}`,
      style: `height:${spec.height || 300}px`,
      tabindex: spec.keys ? "0" : null,
    });
    const node = el(
      "figure",
      { class: "card chart" + (spec.wide ? " wide" : "") },
      el("h3", {}, spec.title),
      plot,
      spec.below ? spec.below() : null,
      el("figcaption", {}, spec.caption),
    );
    if (spec.numbers) {
      const holder = el(
        "details",
        {},
        el("summary", {}, "Numbers", el("span", { class: "sr" }, ` of ${spec.title}`)),
      );
      holder.addEventListener("toggle", () => {
        if (!holder.open || holder.children.length > 1) return;
        const { columns, rows } = spec.numbers();
        const shown = rows.slice(0, mostRows);
        const more = rows.length > mostRows ? `, the first ${mostRows} of ${rows.length} rows` : "";
        holder.append(table(spec.title + more, columns, shown));
      });
      node.append(holder);
    }
    parent.append(node);
    const entry = {
      plot,
      spec,
      draw: () =>
        Plotly.react(plot, spec.traces(), layout(spec), {
          displayModeBar: false,
          responsive: true,
          showTips: false,
          scrollZoom: false,
          doubleClick: "reset",
        }),
    };
    charts.push(entry);
    entry.draw();
    if (spec.keys) plot.addEventListener("keydown", (event) => spec.keys(event, plot));
    return entry;
  };
  const forget = (parent) => {
    for (let i = charts.length - 1; i >= 0; --i) {
      if (!parent.contains(charts[i].plot)) continue;
      Plotly.purge(charts[i].plot);
      charts.splice(i, 1);
    }
    parent.replaceChildren();
  };

  const axis = (title, more = {}) => ({
    title: { text: title, standoff: 8, font: { size: 12.5 } },
    gridcolor: colour("line"),
    zeroline: false,
    linecolor: colour("line"),
    tickcolor: colour("line"),
    automargin: true,
    ...more,
  });
  const layout = (spec) => {
    const own = spec.layout();
    return {
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      showlegend: false,
      font: {
        family: getComputedStyle(document.body).fontFamily,
        size: 12.5,
        color: colour("muted"),
      },
      margin: { l: 52, r: 14, t: 10, b: 44 },
      hovermode: "closest",
      dragmode: touch.matches ? false : "zoom",
      hoverlabel: {
        bgcolor: colour("card"),
        bordercolor: colour("line"),
        font: { color: colour("ink") },
        namelength: -1,
      },
      ...own,
    };
  };

  // ---- curves over seeds -----------------------------------------------------------------------

  const hidden = new Set();

  // Runs as one mean and its range, if all stand on the same grid of x (or on a beginning of it).
  const together = (lines) => {
    if (lines.length < 2) return null;
    const longest = lines.reduce((a, b) => (b.x.length > a.x.length ? b : a));
    const place = new Map(longest.x.map((x, i) => [x, i]));
    const at = longest.x.map(() => []);
    for (const line of lines) {
      for (let i = 0; i < line.x.length; ++i) {
        const index = place.get(line.x[i]);
        if (index === undefined) return null;
        if (isNumber(line.y[i])) at[index].push(line.y[i]);
      }
    }
    const pick = (f) => at.map((values) => (values.length ? f(values) : null));
    return {
      x: longest.x,
      mean: pick((v) => v.reduce((a, b) => a + b) / v.length),
      low: pick((v) => Math.min(...v)),
      high: pick((v) => Math.max(...v)),
    };
  };

  const bandTrace = (x, low, high, g) => {
    const keep = x.map((_, i) => i).filter((i) => isNumber(low[i]) && isNumber(high[i]));
    return {
      type: "scatter",
      mode: "lines",
      hoverinfo: "skip",
      line: { width: 0 },
      fill: "toself",
      fillcolor: faded(groupColour(g), 0.16),
      visible: !hidden.has(g),
      x: [...keep.map((i) => x[i]), ...keep.map((i) => x[i]).reverse()],
      y: [...keep.map((i) => low[i]), ...keep.map((i) => high[i]).reverse()],
    };
  };
  const lineTrace = (x, y, g, more = {}) => {
    const few = numbers(y).length <= 16 && !more.dashed;
    return {
      type: "scatter",
      mode: few ? "lines+markers" : "lines",
      x,
      y,
      name: groups[g].label,
      visible: !hidden.has(g),
      connectgaps: false,
      opacity: more.opacity,
      line: {
        color: groupColour(g),
        width: more.dashed ? 1.6 : more.width || 2.2,
        dash: more.dashed ? "dash" : groupDash(g),
      },
      marker: { symbol: groupSymbol(g), size: 6, color: groupColour(g) },
      hoverinfo: more.dashed ? "skip" : undefined,
      hovertemplate: more.dashed
        ? undefined
        : `<b>%{fullData.name}</b><br>${more.hover}<extra></extra>`,
    };
  };

  // spec: {title, caption, y, log, of(run) -> {x, y} or null, dashed(run), hover}
  const curveChart = (parent, spec) => {
    const linesOf = (get) =>
      groups.map((group) =>
        group.runs
          .map((r) => get(runs[r]))
          .filter((line) => line && line.x && line.y && numbers(line.y).length),
      );
    const lines = linesOf(spec.of);
    if (!lines.some((list) => list.length)) return;
    const dashed = spec.dashed ? linesOf(spec.dashed) : null;
    const all = lines.map(together);
    const hover = `epoch %{x:.2f}<br>${spec.y}: ${spec.hover || "%{y:.4g}"}`;
    const traces = () => {
      const bands = [],
        means = [];
      groups.forEach((_, g) => {
        if (all[g]) {
          bands.push(bandTrace(all[g].x, all[g].low, all[g].high, g));
          means.push(lineTrace(all[g].x, all[g].mean, g, { hover: hover + " (mean)" }));
        } else {
          for (const line of lines[g]) {
            if (line.low && lines[g].length === 1)
              bands.push(bandTrace(line.x, line.low, line.high, g));
            means.push(
              lineTrace(line.x, line.y, g, { hover, width: lines[g].length > 1 ? 1.3 : 2.2 }),
            );
          }
        }
        if (dashed && dashed[g].length) {
          const line = dashed[g][0];
          means.push(lineTrace(line.x, line.y, g, { dashed: true }));
        }
      });
      return [...bands, ...means];
    };
    chart(parent, {
      title: spec.title,
      caption: spec.caption,
      wide: spec.wide,
      traces,
      layout: () => ({
        xaxis: axis("epoch"),
        yaxis: axis(spec.y, { type: spec.log ? "log" : "linear", ...(spec.axis || {}) }),
      }),
      numbers: () => ({
        columns: ["method", "first", "lowest", "highest", "last"].map((title) => ({ title })),
        rows: groups.flatMap((group, g) => {
          const sources = all[g] ? [{ y: all[g].mean }] : lines[g];
          return sources.map((line) => {
            const values = numbers(line.y),
              ends = extent(values);
            return [group.label, values[0], ends[0], ends[1], values[values.length - 1]].map((v) =>
              typeof v === "number" ? digits(v) : v,
            );
          });
        }),
      }),
    });
  };

  const legend = (parent) => {
    if (groups.length < 2) return;
    const list = el("ul", {
      class: "legend",
      "aria-label": "Methods; press one to hide or show it",
    });
    groups.forEach((group, g) => {
      const button = el(
        "button",
        { type: "button", "aria-pressed": "true" },
        swatch(g),
        group.label,
      );
      button.addEventListener("click", () => {
        const hide = !hidden.has(g);
        if (hide) hidden.add(g);
        else hidden.delete(g);
        button.setAttribute("aria-pressed", String(!hide));
        for (const entry of charts) if (parent.contains(entry.plot)) entry.draw();
      });
      list.append(el("li", {}, button));
    });
    parent.append(list);
  };

  // ---- head ------------------------------------------------------------------------------------

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
    best(
      several ? "Best test accuracy" : "Test accuracy",
      "test_accuracy",
      false,
      percent(2),
      " %",
      (group) =>
        mean(group, "train_accuracy") === undefined
          ? ""
          : `training ${percent(2)(mean(group, "train_accuracy"))} %`,
    );
    best(
      several ? "Lowest test loss" : "Test loss",
      "test_loss",
      true,
      fixed(3),
      "",
      (group) => `training ${fixed(3)(mean(group, "train_loss"))}`,
    );
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

  // ---- comparison ------------------------------------------------------------------------------

  const figures = [
    { key: "test_accuracy", title: "test acc. %", format: percent(2), best: "most" },
    { key: "test_loss", title: "test loss", format: fixed(3), best: "least" },
    { key: "train_loss", title: "train loss", format: fixed(3) },
    { key: "generalization_gap", title: "gap %", format: percent(2), best: "least" },
    { key: "valley_width", title: "valley width", format: fixed(2) },
    { key: "predicted_width", title: "predicted", format: fixed(2) },
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
    const missing = group.runs.length - group.finished;
    return [
      swatch(g),
      group.label,
      missing
        ? el(
            "span",
            { class: "badge" },
            group.finished ? `${missing} not finished` : "not finished",
          )
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
          mean(groups[g], "test_accuracy") !== undefined &&
          mean(groups[g], "comm_bytes_per_worker") > 0,
      );
    if (shown.length < 2) return;
    const grid = el("div", { class: "grid", style: "margin-top:16px" });
    node.append(grid);
    const caption =
      "Up is more accurate, left is less traffic; bars are a standard deviation over seeds.";
    chart(grid, {
      title: "Accuracy against traffic",
      caption,
      height: 320,
      traces: () =>
        shown.map((g) => ({
          type: "scatter",
          mode: "markers+text",
          name: groups[g].label,
          x: [mean(groups[g], "comm_bytes_per_worker") / 1e6],
          y: [100 * mean(groups[g], "test_accuracy")],
          text: [shown.length <= 8 ? groups[g].label.split(" ")[0] : ""],
          textposition: "top center",
          textfont: { color: colour("ink") },
          cliponaxis: false,
          error_y: {
            type: "data",
            array: [100 * figure(groups[g], "test_accuracy").deviation],
            color: groupColour(g),
            thickness: 1.5,
            width: 5,
          },
          marker: { size: 13, symbol: groupSymbol(g), color: groupColour(g) },
          hovertemplate: "<b>%{fullData.name}</b><br>%{y:.2f} %<br>%{x:.4g} MB<extra></extra>",
        })),
      layout: () => ({
        xaxis: axis("sent by a worker, MB", { rangemode: "tozero" }),
        yaxis: axis("test accuracy, %"),
      }),
      numbers: () => ({
        columns: [{ title: "method" }, { title: "MB" }, { title: "test accuracy %" }],
        rows: shown.map((g) => [
          groups[g].label,
          digits(mean(groups[g], "comm_bytes_per_worker") / 1e6),
          withSpread(groups[g], "test_accuracy", percent(2)),
        ]),
      }),
    });
    phaseBars(grid, 320);
  };

  const phaseBars = (parent, height) => {
    const shown = groups.map((_, g) => g).filter((g) => figure(groups[g], "seconds.compute"));
    if (!shown.length) return;
    const names = shown.map((g) => groups[g].label);
    const tall = Math.max(height || 0, 110 + 30 * shown.length);
    chart(parent, {
      title: "Seconds by phase",
      height: tall,
      below: phaseKeys,
      caption: "Where the wall time of a worker went, mean over workers and seeds.",
      traces: () =>
        phases.map((phase) => ({
          type: "bar",
          orientation: "h",
          name: phase,
          y: names,
          x: shown.map((g) => mean(groups[g], "seconds." + phase)),
          marker: { color: colour(phase) },
          hovertemplate: `${phase}: %{x:.3g} s<extra>%{y}</extra>`,
        })),
      layout: () => ({
        barmode: "stack",
        bargap: 0.35,
        xaxis: axis("seconds"),
        yaxis: axis("", {
          autorange: "reversed",
          tickfont: { color: colour("ink") },
          ticktext: names.map(shortName),
          tickvals: names,
        }),
      }),
      numbers: () => ({
        columns: ["method", ...phases].map((title) => ({ title })),
        rows: shown.map((g) => [
          groups[g].label,
          ...phases.map((phase) => seconds(mean(groups[g], "seconds." + phase))),
        ]),
      }),
    });
  };
  const shortName = (name) => {
    const most = phone.matches ? 14 : 26;
    return name.length > most ? name.slice(0, most - 1) + "…" : name;
  };
  const phaseKeys = () =>
    el(
      "ul",
      { class: "keys", "aria-hidden": "true" },
      ...phases.map((phase) =>
        el("li", {}, el("i", { style: `background:var(--${phase})` }), phase),
      ),
    );

  // ---- curves ----------------------------------------------------------------------------------

  const curves = () => {
    const several = groups.some((group) => group.runs.length > 1);
    const node = section(
      "curves",
      "Curves",
      several
        ? "Lines are means over seeds, bands reach from the lowest seed to the highest."
        : null,
    );
    legend(node);
    const grid = el("div", { class: "grid" });
    node.append(grid);
    const column =
      (table, key, factor = 1) =>
      (run) => {
        const source = run.curves[table] || {};
        return source[key]
          ? {
              x: source.epoch,
              y:
                factor === 1 ? source[key] : source[key].map((v) => (isNumber(v) ? factor * v : v)),
            }
          : null;
      };
    const losses = (run) => {
      const { epoch, loss, lowest, highest } = run.curves.epochs || {};
      return loss ? { x: epoch, y: loss, low: lowest, high: highest } : null;
    };
    const widths = (run) => {
      const { epoch, width, lowest, highest } = run.curves.rounds || {};
      return width ? { x: epoch, y: width, low: lowest, high: highest } : null;
    };
    const predicted = (run) =>
      numbers((run.curves.rounds || {}).predicted).some((w) => w > 0)
        ? column("rounds", "predicted")(run)
        : null;
    const single = groups.every((group) => group.runs.length === 1);
    curveChart(grid, {
      title: "Training loss",
      y: "loss",
      log: true,
      of: losses,
      caption:
        "Mean over the workers, on their batches of an epoch." +
        (single ? " The band spans the workers." : ""),
    });
    curveChart(grid, {
      title: "Test accuracy",
      y: "accuracy, %",
      of: column("evaluations", "test_accuracy", 100),
      hover: "%{y:.2f} %",
      caption: "Of the average of the workers' models.",
    });
    curveChart(grid, {
      title: "Test loss",
      y: "loss",
      of: column("evaluations", "test_loss"),
      caption: "Of the average of the workers' models.",
    });
    if (runs.some((run) => numbers((run.curves.rounds || {}).width).some((w) => w > 1e-3))) {
      curveChart(grid, {
        title: "Valley width",
        y: "mean distance to the average",
        of: widths,
        dashed: predicted,
        caption:
          "How far the workers stand from their average. Dashed: λ/α, the predicted width." +
          (single ? " The band spans the workers." : ""),
      });
    }
    curveChart(grid, {
      title: "Learning rate",
      y: "learning rate",
      of: column("epochs", "lr"),
      caption: "As the schedule sets it.",
    });
    curveChart(grid, {
      title: "Bytes sent",
      y: "MB a worker",
      of: column("evaluations", "comm_bytes", 1e-6),
      hover: "%{y:.4g} MB",
      caption: "Payload a worker has put into communication so far.",
    });
    if (groups.filter((group) => figure(group, "seconds.compute")).length < 2) phaseBars(grid);
    const periods = runs.some((run) => new Set((run.curves.rounds || {}).period || []).size > 1);
    if (periods) {
      curveChart(grid, {
        title: "Communication period",
        y: "steps",
        of: column("rounds", "period"),
        caption: "Local steps between two rounds.",
      });
    }
  };

  // ---- panels of one run -----------------------------------------------------------------------

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
        ...able.map((run, i) =>
          el("option", { value: String(i), selected: i === first }, run.name),
        ),
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

  const timeline = (holder, run) => {
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
    const worst = Math.max(
      ...shares.wait.map((row) => row.reduce((a, b) => a + b, 0) / row.length),
    );
    const waits = worst >= 0.005;
    const centres = (shares.wait[0] || []).map((_, i) => (i + 0.5) * shares.seconds);
    chart(grid, {
      title: "Seconds of each worker",
      wide: !waits,
      height: height(workers.length),
      below: phaseKeys,
      caption: "What every worker spent its time on." + missing,
      traces: () =>
        phases.map((phase) => ({
          type: "bar",
          orientation: "h",
          name: phase,
          y: names,
          x: workers.map((worker) => worker[phase]),
          marker: { color: colour(phase) },
          hovertemplate: `${phase}: %{x:.3g} s<extra>%{y}</extra>`,
        })),
      layout: () => ({
        barmode: "stack",
        bargap: 0.3,
        xaxis: axis("seconds"),
        yaxis: rowAxis(workers.length),
      }),
      numbers: () => ({
        columns: ["worker", ...phases].map((title) => ({ title })),
        rows: workers.map((worker, w) => [
          `worker ${w}`,
          ...phases.map((phase) => seconds(worker[phase])),
        ]),
      }),
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
            colorbar: {
              title: { text: "%", side: "top" },
              thickness: 10,
              len: 0.9,
              outlinewidth: 0,
            },
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

  const landscape = (holder, run) => {
    const { x, y, loss, points, plane, split, samples } = run.landscape;
    const [xTitle, yTitle] = run.landscape.axes || ["first direction", "second direction"];
    const [low, high] = extent(loss.flat()) || [0, 1];
    const tall = low > 0 && high / low > 15; // a canyon: only its logarithm shows the floor
    const lift = (v) => (isNumber(v) ? (tall ? Math.log10(v) : v) : null);
    const zTitle = tall ? "log10 of the loss" : "loss";
    const z = loss.map((row) => row.map(lift));
    const lowest = { value: Infinity };
    loss.forEach((row, i) =>
      row.forEach((v, j) => {
        if (isNumber(v) && v < lowest.value) Object.assign(lowest, { value: v, x: x[j], y: y[i] });
      }),
    );
    const floor = (lift(high) - lift(low)) * 0.015;
    const marked = points.map((point) => ({ ...point, isWorker: /^worker/.test(point.name) }));
    const shortPoint = (p) => (p.isWorker ? p.name.replace("worker ", "") : "");
    const on = ` of ${samples ? samples.toLocaleString("en") + " " : ""}${split === "test" ? "test" : "training"} samples`;
    // Viridis: even steps to every eye, also a colour-blind one, and in print.
    const scale = () => [
      [0, "#440154"],
      [0.13, "#472d7b"],
      [0.25, "#3b528b"],
      [0.38, "#2c728e"],
      [0.5, "#21918c"],
      [0.63, "#28ae80"],
      [0.75, "#5ec962"],
      [0.88, "#addc30"],
      [1, "#fde725"],
    ];
    const off = extent(points.map((point) => point.off_plane));
    const away =
      off && off[1] > 0
        ? ` The marked points lie up to ${digits(off[1])} off this plane; their height is that of their shadow on it.`
        : "";
    const grid = el("div", { class: "grid" });
    holder.append(grid);
    const pointRows = () => ({
      columns: ["point", xTitle, yTitle, "loss"].map((title) => ({ title })),
      rows: [
        ...marked.map((p) => [p.name, digits(p.x), digits(p.y), digits(p.loss)]),
        ["lowest of the grid", digits(lowest.x), digits(lowest.y), digits(lowest.value)],
      ],
    });
    // The surface between the points of the grid.
    const place = (list, v) => {
      let i = 0;
      while (i + 2 < list.length && list[i + 1] <= v) ++i;
      return [i, Math.max(0, Math.min(1, (v - list[i]) / (list[i + 1] - list[i])))];
    };
    const height = (p) => {
      const [i, s] = place(y, p.y),
        [j, t] = place(x, p.x);
      return (
        (1 - s) * ((1 - t) * z[i][j] + t * z[i][j + 1]) +
        s * ((1 - t) * z[i + 1][j] + t * z[i + 1][j + 1])
      );
    };
    let eye = { x: 1.0, y: -1.2, z: 1.1 };
    const turn = (event, plot) => {
      const step = {
        ArrowLeft: [-0.2, 0],
        ArrowRight: [0.2, 0],
        ArrowUp: [0, 0.15],
        ArrowDown: [0, -0.15],
      }[event.key];
      if (!step) return;
      event.preventDefault();
      const radius = Math.hypot(eye.x, eye.y),
        angle = Math.atan2(eye.y, eye.x) + step[0];
      eye = {
        x: radius * Math.cos(angle),
        y: radius * Math.sin(angle),
        z: Math.max(0.1, Math.min(3, eye.z + step[1])),
      };
      Plotly.relayout(plot, { "scene.camera.eye": eye });
    };
    const ground = (title) => ({
      title: { text: title, font: { size: 11.5 } },
      gridcolor: colour("line"),
      zeroline: false,
      color: colour("muted"),
      showbackground: false,
      showspikes: false,
      nticks: 5,
      tickfont: { size: 10.5 },
    });
    chart(grid, {
      title: "The loss around the workers",
      height: phone.matches ? 340 : 460,
      keys: turn,
      caption: `Training ends here: ${zTitle}${on} on the plane "${plane}". Drag, or use the arrow keys, to turn it.${away}`,
      traces: () => [
        {
          type: "surface",
          x,
          y,
          z,
          colorscale: scale(),
          showscale: false,
          opacity: 0.97,
          contours: {
            z: { show: true, usecolormap: false, color: "rgba(255,255,255,.35)", width: 1 },
          },
          lighting: { ambient: 0.62, diffuse: 0.7, specular: 0.12, roughness: 0.7 },
          hovertemplate: `${zTitle} %{z:.4g}<extra></extra>`,
        },
        ...[true, false].map((isWorker) => {
          const some = marked.filter((p) => p.isWorker === isWorker);
          return {
            type: "scatter3d",
            mode: phone.matches ? "markers" : "markers+text",
            x: some.map((p) => p.x),
            y: some.map((p) => p.y),
            z: some.map((p) => height(p) + 3 * floor),
            text: some.map(shortPoint),
            textposition: "top center",
            textfont: { color: "#ffffff", size: 13 },
            marker: {
              size: 6,
              color: isWorker ? "#ff8d4f" : "#ffffff",
              symbol: isWorker ? "circle" : "diamond",
              line: { color: "#10202f", width: 1 },
            },
            customdata: some.map((p) => p.name),
            hovertemplate: "%{customdata}<extra></extra>",
          };
        }),
      ],
      layout: () => ({
        margin: { l: 0, r: 0, t: 0, b: 0 },
        dragmode: "turntable",
        scene: {
          xaxis: ground(xTitle),
          yaxis: ground(yTitle),
          zaxis: ground(zTitle),
          camera: { eye, center: { x: 0, y: 0, z: -0.22 } },
          aspectratio: { x: 1.1, y: 1.1, z: 0.62 },
        },
      }),
      numbers: pointRows,
    });
    const marks = (some, more) => ({
      type: "scatter",
      mode: some.length > 12 ? "markers" : "markers+text",
      x: some.map((p) => p.x),
      y: some.map((p) => p.y),
      text: some.map(shortPoint),
      textposition: "top center",
      cliponaxis: false,
      textfont: { color: "#ffffff", size: 12.5 },
      customdata: some.map((p) => `${p.name}${isNumber(p.loss) ? ", loss " + digits(p.loss) : ""}`),
      hovertemplate: "%{customdata}<extra></extra>",
      ...more,
    });
    chart(grid, {
      title: "The same from above",
      height: phone.matches ? 360 : 460,
      caption: `Contours of the ${zTitle}; circles are workers, the diamond is their average. The lowest point of the grid has loss ${digits(lowest.value)}.`,
      traces: () => [
        {
          type: "contour",
          x,
          y,
          z,
          colorscale: scale(),
          ncontours: 18,
          line: { width: 0.6, color: "rgba(255,255,255,.4)" },
          colorbar: {
            thickness: 10,
            len: 0.95,
            outlinewidth: 0,
            title: { text: zTitle, side: "right" },
          },
          hovertemplate: `${zTitle} %{z:.4g}<extra></extra>`,
        },
        marks(
          marked.filter((p) => p.isWorker),
          { marker: { size: 11, color: "#ff8d4f", line: { color: "#10202f", width: 1.2 } } },
        ),
        marks(
          marked.filter((p) => !p.isWorker),
          {
            marker: {
              size: 12,
              symbol: "diamond",
              color: "#ffffff",
              line: { color: "#10202f", width: 1.2 },
            },
          },
        ),
      ],
      layout: () => ({
        xaxis: axis(xTitle, { showgrid: false, constrain: "domain" }),
        yaxis: axis(yTitle, { showgrid: false, scaleanchor: "x", constrain: "domain" }),
      }),
      numbers: pointRows,
    });
  };

  const sharpness = () => {
    const shown = groups
      .map((group, g) => ({
        g,
        able: group.runs.map((r) => runs[r]).filter((run) => run.sharpness),
      }))
      .filter(({ able }) => able.length);
    if (!shown.length) return;
    const node = section(
      "sharpness",
      "Sharpness",
      "How steep and how curved the loss is around the average of the workers' models.",
    );
    const names = [];
    for (const { able } of shown) {
      for (const run of able)
        for (const m of run.sharpness.measures || [])
          if (!names.includes(m.name)) names.push(m.name);
    }
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
        const values = found.map((m) => m.value).filter(isNumber);
        if (!values.length) return "–";
        const average = values.reduce((a, b) => a + b) / values.length;
        if (values.length > 1) {
          const deviation = Math.sqrt(
            values.reduce((sum, v) => sum + (v - average) ** 2, 0) / (values.length - 1),
          );
          return [digits(average), el("span", { class: "pm" }, ` ± ${digits(deviation)}`)];
        }
        const error = found[0].standard_error;
        return isNumber(error) && error > 0
          ? [digits(average), el("span", { class: "pm" }, ` ± ${digits(error)}`)]
          : digits(average);
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
        "Density of the eigenvalues, on a logarithmic axis; what lies far to the right is steep.",
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
        yaxis: axis("density", { type: "log", exponentformat: "power" }),
        showlegend: spectra.length > 1,
        legend: { orientation: "h", y: 1.12 },
      }),
      numbers: () => ({
        columns: ["run", "lowest eigenvalue", "highest eigenvalue"].map((title) => ({ title })),
        rows: spectra.map(({ run, eigenvalue }) => [run.name, ...extent(eigenvalue).map(digits)]),
      }),
    });
  };

  const dynamics = (holder, run) => {
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

  // ---- settings --------------------------------------------------------------------------------

  const command = (text) => {
    const button = el("button", { type: "button" }, "Copy");
    button.addEventListener("click", () => {
      const done = () => {
        button.textContent = "Copied";
        setTimeout(() => {
          button.textContent = "Copy";
        }, 1500);
      };
      if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, () => {});
    });
    return el("div", { class: "command" }, el("pre", { tabindex: "0" }, text), button);
  };
  const quoted = (text) =>
    /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

  const settings = () => {
    const node = section(
      "reproduce",
      "Settings and how to repeat",
      "The complete configuration of every setting, and the command that trains it again. Where the run folder is not at hand, save the text below as config.toml.",
    );
    const ignored = new Set(["seed", "out"]);
    const first = groups.map((group) => runs[group.runs[0]]);
    const keys = [...new Set(first.flatMap((run) => run.settings.map(([key]) => key)))].filter(
      (key) => !ignored.has(key),
    );
    const value = (run, key) => (run.settings.find(([name]) => name === key) || ["", "–"])[1];
    const differing = keys.filter((key) => new Set(first.map((run) => value(run, key))).size > 1);
    if (groups.length > 1 && groups.length <= 12 && differing.length) {
      node.append(
        el(
          "div",
          { class: "card", style: "margin-bottom:16px" },
          table(
            "Settings that differ; methods do not read all of them.",
            [{ title: "setting" }, ...groups.map((group) => ({ title: group.label }))],
            differing.map((key) => [key, ...first.map((run) => value(run, key))]),
          ),
        ),
      );
    }
    groups.forEach((group, g) => {
      const run = first[g];
      const seeds = group.runs.map((r) => runs[r].seed);
      const card = el(
        "div",
        { class: "card", style: "margin-bottom:12px" },
        el("h3", {}, swatch(g), group.label),
        command(`valley train --config ${quoted(run.path + "/config.toml")} --out NEW_FOLDER`),
      );
      if (seeds.length > 1)
        card.append(
          el(
            "p",
            { class: "lead", style: "margin:8px 0 0" },
            `Seeds ${seeds.join(", ")}: add --seed N.`,
          ),
        );
      card.append(
        el(
          "details",
          {},
          el("summary", {}, "config.toml", el("span", { class: "sr" }, ` of ${group.label}`)),
          el("pre", { tabindex: "0" }, run.config),
        ),
      );
      node.append(card);
    });
  };

  const footer = () => {
    const thinned = runs.map((run) => Object.values(run.curves.kept || {})).flat();
    const note = thinned.length
      ? ` Long curves are thinned to ${thinned[0][1]} evenly spaced points each; metrics.jsonl has all.`
      : "";
    document
      .getElementById("footer")
      .append(
        `Made by Valley ${report.version} from ${plural(runs.length, "run folder")}.${note} This file holds all it shows and loads nothing.`,
      );
  };

  // ---- theme, navigation -----------------------------------------------------------------------

  let wish = null;
  const applyTheme = () => {
    const dark = wish === null ? darkWish.matches : wish;
    root.dataset.theme = dark ? "dark" : "light";
    const button = document.getElementById("theme");
    button.hidden = false;
    button.textContent = dark ? "Light" : "Dark";
    button.setAttribute("aria-label", `Switch to ${dark ? "light" : "dark"} colours`);
    for (const entry of charts) entry.draw();
  };
  document.getElementById("theme").addEventListener("click", () => {
    wish = root.dataset.theme !== "dark";
    applyTheme();
  });
  darkWish.addEventListener("change", applyTheme);

  const followReading = () => {
    if (!("IntersectionObserver" in window)) return;
    const links = new Map(
      [...navigation.querySelectorAll("a")].map((a) => [a.getAttribute("href").slice(1), a]),
    );
    const observer = new IntersectionObserver(
      (entries) => {
        for (const entry of entries) {
          if (!entry.isIntersecting) continue;
          for (const link of links.values()) link.removeAttribute("aria-current");
          links.get(entry.target.id).setAttribute("aria-current", "true");
        }
      },
      { rootMargin: "-20% 0px -70% 0px" },
    );
    for (const id of links.keys()) observer.observe(document.getElementById(id));
  };

  applyTheme();
  tiles();
  cautions();
  comparison();
  curves();
  perRun(
    "timeline",
    "Workers over time",
    "Computing, communicating and waiting, worker by worker.",
    "timeline",
    timeline,
    mostWaiting(),
  );
  perRun(
    "landscape",
    "Landscape",
    "The valley the workers ended in.",
    "landscape",
    landscape,
    widest("landscape"),
  );
  sharpness();
  perRun(
    "dynamics",
    "Noise and dynamics",
    "Effective learning rate, gradient noise and spread along the run.",
    "dynamics",
    dynamics,
  );
  settings();
  footer();
  followReading();
  root.dataset.ready = "true";
})();
