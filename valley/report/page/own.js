// The scores of every worker, where each keeps parameters for itself.

const onOwnData = (holder, { run }) => {
  const workers = run.summary.test_by_worker;
  const names = Object.keys(workers[0]);
  const short = (value) => (isNumber(value) ? digits(Number(value.toPrecision(4))) : "–");
  holder.append(
    el(
      "div",
      { class: "card" },
      table(
        "Scores of every worker",
        [{ title: "worker" }, ...names.map((title) => ({ title }))],
        workers.map((scores, m) => [String(m), ...names.map((name) => short(scores[name]))]),
      ),
    ),
  );
};
