// The settings, how to repeat a run, and what the page is made of.

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
