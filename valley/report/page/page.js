// Puts the page together.

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
studies();
comparison();
curves();
probes();
perRun(
  "timeline",
  "Workers over time",
  "Computing, communicating and waiting, worker by worker.",
  having("timeline"),
  timeline,
  mostWaiting(),
);
perRun(
  "landscape",
  "Landscape",
  "The valley the workers ended in.",
  surveys(),
  landscape,
  widest(surveys()),
);
perRun(
  "classes",
  "Classes",
  "How the average of the workers' models answers the examples of every class of the test set.",
  having("classes"),
  classAnswers,
);
perRun(
  "robust",
  "Under attack",
  "How the average of the workers' models answers the worst examples near those of the test set.",
  having("robust"),
  underAttack,
);
perRun(
  "own",
  "Each on its own data",
  "Every worker's own model, with the parameters that it keeps for itself, on the test set weighed by the classes it trains on.",
  runs.filter((run) => run.summary && run.summary.test_by_worker).map((run) => ({ name: run.name, run })),
  onOwnData,
);
sharpness();
noise();
perRun(
  "dynamics",
  "Dynamics",
  "How the workers moved along the run.",
  having("dynamics"),
  dynamics,
);
settings();
footer();
followReading();
root.dataset.ready = "true";
