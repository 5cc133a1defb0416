// The scores under attack, beside those without.

const underAttack = (holder, { run }) => {
  const { attack, examples, scores } = run.robust;
  holder.append(
    tableCard(
      `Of ${examples} examples under ${attack}`,
      [{ title: "score", text: true }, { title: "as they are" }, { title: "under attack" }],
      scores.map(({ name, clean, robust }) => [name, digits(clean), digits(robust)]),
    ),
  );
};
