// The scores of every worker, where each keeps parameters for itself.

const onOwnData = (holder, { run }) => {
  const workers = run.summary.test_by_worker;
  const names = Object.keys(workers[0]);
  holder.append(
    tableCard(
      "Scores of every worker",
      [{ title: "worker" }, ...names.map((title) => ({ title }))],
      workers.map((scores, m) => [String(m), ...names.map((name) => digits(scores[name]))]),
    ),
  );
};
