// The loss around the workers, in 3-D and from above.

const landscape = (holder, { survey }) => {
  const { x, y, loss, points, plane, split, samples } = survey;
  const [xTitle, yTitle] = survey.axes || ["first direction", "second direction"];
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
