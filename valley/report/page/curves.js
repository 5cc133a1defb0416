// Lines over epochs or steps: runs of one setting as their mean and range.

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
  const x = spec.x || "epoch";
  const hover = `${x} %{x:${spec.x ? "d" : ".2f"}}<br>${spec.y}: ${spec.hover || "%{y:.4g}"}`;
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
    byMethod: true,
    traces,
    layout: () => ({
      xaxis: axis(x),
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
  const list = el("ul", { class: "legend", "aria-label": "Methods; press one to hide or show it" });
  groups.forEach((group, g) => {
    const button = el(
      "button",
      { type: "button", "aria-pressed": "true", "data-method": g },
      swatch(g),
      group.label,
    );
    button.addEventListener("click", () => {
      const hide = !hidden.has(g);
      if (hide) hidden.add(g);
      else hidden.delete(g);
      for (const same of document.querySelectorAll(`.legend [data-method="${g}"]`))
        same.setAttribute("aria-pressed", String(!hide));
      for (const entry of charts) if (entry.spec.byMethod) entry.draw();
    });
    list.append(el("li", {}, button));
  });
  parent.append(list);
};

const curves = () => {
  const several = groups.some((group) => group.runs.length > 1);
  const node = section(
    "curves",
    "Curves",
    several ? "Lines are means over seeds, bands reach from the lowest seed to the highest." : null,
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
            y: factor === 1 ? source[key] : source[key].map((v) => (isNumber(v) ? factor * v : v)),
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
  for (const score of scores) {
    curveChart(grid, {
      title: `Test ${score.name}`,
      y: score.share ? `${score.name}, %` : score.name,
      of: column("evaluations", score.test, scoreScale(score)),
      hover: score.share ? "%{y:.2f} %" : undefined,
      caption: "Of the average of the workers' models.",
    });
  }
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
  if (timed().length === 1) phaseBars(grid, 0, true);
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

// What `--probe` measured while training; the rest of it is in a menu.
const probeCharts = [
  ["consensus_distance", "Consensus distance", "distance", "The root of the mean squared distance of the workers to their average."],
  ["effective_rate/alpha_e_over_alpha", "Effective learning rate, probed", "α<sub>e</sub> / α", "How far the average steps along its own gradient, as a share of the learning rate."],
  ["effective_rate/delta_over_alpha_squared", "Noise strength, probed", "Δ / α²", "The squared length of what a step has across the gradient."],
  ["effective_rate/delta_of_zeta_2", "Noise of the spread", "Δ / α² of the spread", "The part of the noise that comes from the workers' spread alone."],
  ["loss", "Loss of the average", "loss", "On the probe's training examples."],
  ["smoothed/smoothed_loss", "Smoothed loss", "loss", "The mean loss under isotropic noise of the workers' size."],
  ["gradient_norm", "Gradient norm", "||g||", "At the average, on the probe's training examples."],
  ["angle_mean", "Angle between workers", "degrees", "Mean over the pairs of workers, seen from their average."],
];

const probes = () => {
  const names = [...new Set(runs.flatMap((run) => Object.keys(run.curves.probes || {})))];
  if (!names.length) return;
  const node = section(
    "probes",
    "Probes",
    "What --probe measured on the way. Where a method has one run, a band is a standard error to either side.",
  );
  legend(node);
  const draw = (parent, name, title, y, caption) =>
    curveChart(parent, {
      title,
      caption,
      x: "step",
      y,
      of: (run) => {
        const { step, value, error } = (run.curves.probes || {})[name] || {};
        if (!value) return null;
        const aside = (sign) => value.map((v, i) => (isNumber(v) ? v + sign * error[i] : null));
        const band = error ? { low: aside(-1), high: aside(1) } : {};
        return { x: step, y: value, ...band };
      },
    });
  const words = (name) => name.replaceAll("_", " ").replaceAll("/", ", ");
  const known = probeCharts.filter(([name]) => names.includes(name));
  const others = names.filter((name) => !known.some(([other]) => other === name));
  const grid = el("div", { class: "grid" });
  node.append(grid);
  for (const one of known) draw(grid, ...one);
  if (!others.length) return;
  const holder = el("div", {});
  const show = (name) => {
    forget(holder);
    draw(holder, name, words(name), words(name), `The field probe/${name} of metrics.jsonl.`);
  };
  const menu = el(
    "select",
    { id: "probe-name" },
    ...others.map((name) => el("option", { value: name }, words(name))),
  );
  menu.addEventListener("change", () => show(menu.value));
  const pick = el("div", { class: "pick" }, el("label", { for: "probe-name" }, "More"), menu);
  if (known.length) pick.style.marginTop = "16px";
  node.append(pick, holder);
  show(others[0]);
};
