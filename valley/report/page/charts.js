// Sections, tables and figures: what every panel is made of.

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
// Columns that have no room stand in another table below, beside the same first column; on a narrow
// screen the table scrolls.
const table = (caption, columns, rows, classes = () => "") => {
  const node = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption });
  const content = (cell, copied) =>
    [].concat(cell).map((child) => (copied && child instanceof Node ? child.cloneNode(true) : child));
  const part = (chosen, i) =>
    el(
      "table",
      {},
      el(
        "caption",
        { class: i ? "sr" : null },
        el("span", {}, i ? caption + ", continued" : caption),
      ),
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          ...chosen.map((c) =>
            el("th", { scope: "col", class: columns[c].text ? "text" : null }, columns[c].title),
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
            ...chosen.map((c) =>
              c === 0
                ? el("th", { scope: "row" }, ...content(row[c], i > 0))
                : el(
                    "td",
                    {
                      class:
                        [columns[c].text ? "text" : "", classes(r, c)].join(" ").trim() || null,
                    },
                    ...content(row[c]),
                  ),
            ),
          ),
        ),
      ),
    );
  const draw = (parts) => node.replaceChildren(...parts.map(part));
  const whole = columns.map((_, c) => c);
  draw([whole]);
  let width = 0, // that it was made for
    parts = 1;
  const fit = () => {
    if (node.clientWidth === width || !node.clientWidth) return;
    width = node.clientWidth;
    if (parts > 1) draw([whole]);
    parts = 1;
    if (narrow.matches || node.scrollWidth <= width) return;
    const split = divided(
      [...node.querySelectorAll("thead th")].map((th) => th.getBoundingClientRect().width),
      width,
    );
    parts = split.length;
    if (parts > 1) draw(split);
  };
  new ResizeObserver(fit).observe(node);
  return node;
};
const tableCard = (...given) => el("div", { class: "card" }, table(...given));
// Columns [0, ...] for each of as few tables as `room` asks for, about equally wide.
const divided = ([first, ...widths], room) => {
  const pack = (most) => {
    const parts = [];
    let taken = Infinity;
    widths.forEach((width, i) => {
      if (taken + width > most) {
        parts.push([0]);
        taken = first;
      }
      parts[parts.length - 1].push(i + 1);
      taken += width;
    });
    return parts;
  };
  const fewest = pack(room).length;
  let most = room;
  while (most > first && pack(most - 10).length === fewest) most -= 10;
  return pack(most);
};

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
