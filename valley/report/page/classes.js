// Each class by itself, and which are taken for which.

const mostClasses = 60; // a chart of more is a carpet

const classAnswers = (holder, { run }) => {
  const { classes, confusion } = run.classes;
  const names = classes.map(({ name }) => name);
  const share = (i, j) => (classes[i].examples > 0 ? confusion[i][j] / classes[i].examples : null);
  const takenFor = (i) => {
    let most = -1;
    confusion[i].forEach((count, j) => {
      if (j !== i && count > 0 && (most < 0 || count > confusion[i][most])) most = j;
    });
    return most < 0 ? "" : `${names[most]} (${confusion[i][most]})`;
  };
  const grid = el("div", { class: "grid" });
  holder.append(grid);
  if (names.length <= mostClasses) {
    chart(grid, {
      title: "Confusion matrix",
      height: 400,
      caption: "The share of each class's examples (a row) that got the column's answer, in per cent; what is right lies on the diagonal.",
      traces: () => [
        {
          type: "heatmap",
          x: names,
          y: names,
          z: names.map((_, i) => names.map((__, j) => (share(i, j) === null ? null : 100 * share(i, j)))),
          customdata: confusion,
          zmin: 0,
          zmax: 100,
          colorscale: [
            [0, colour("card")],
            [1, groupColour(0)],
          ],
          colorbar: { ticksuffix: " %", outlinewidth: 0, thickness: 12 },
          hovertemplate: "%{y} as %{x}: %{customdata}, %{z:.1f} %<extra></extra>",
        },
      ],
      layout: () => ({
        xaxis: axis("answer", { type: "category", showgrid: false }),
        yaxis: axis("class", { type: "category", autorange: "reversed", showgrid: false }),
      }),
      numbers: () => ({
        columns: ["class", ...names].map((title) => ({ title })),
        rows: names.map((name, i) => [name, ...confusion[i].map(String)]),
      }),
    });
  }
  grid.append(
    tableCard(
      "Accuracy of every class",
      [{ title: "class" }, { title: "examples" }, { title: "accuracy %" }, { title: "most taken for", text: true }],
      classes.map(({ name, examples }, i) => [name, String(examples), percent(2)(share(i, i)), takenFor(i)]),
    ),
  );
};
