// The scores under attack, beside those without.

const underAttack = (holder, { run }) => {
  const { attack, examples, scores } = run.robust;
  const short = (value) => (isNumber(value) ? digits(Number(value.toPrecision(4))) : "–");
  holder.append(
    el(
      "div",
      { class: "card" },
      table(
        `Of ${examples} examples under ${attack}`,
        [{ title: "score", text: true }, { title: "as they are" }, { title: "under attack" }],
        scores.map(({ name, clean, robust }) => [name, short(clean), short(robust)]),
      ),
    ),
  );
};
