#include "valley/analysis/measure_table.h"

#include "valley/core/error.h"
#include "valley/core/names.h"

namespace valley {

const std::vector<MeasureFacts>& measure_table() {
  using enum Needs;
  static const std::vector<MeasureFacts> table = {
      {"mean-valley", "1 / how far it is, towards the workers, to where the loss doubles",
       "about 15 losses a worker", false, kWorkers, true},
      {"mean-valley-share", "how far of the way to there the workers are",
       "nothing beside mean-valley", false, kWorkers, true, "mean-valley"},
      {"mean-valley-random", "the same as mean-valley, along random directions",
       "about 15 draws losses", true, kNothing, true},
      {"average-direction", "rise of the loss under noise shaped like the workers' spread",
       "draws losses", true, kWorkers, true},
      {"gradient-norm", "length of the gradient", "a gradient", false, kNothing, true},
      {"eps-sharpness", "1 / how far it is, along the gradient, to where the loss is 0.1 higher",
       "a gradient, about 15 losses", false, kNothing, true},
      {"critical-sharpness", "2 / the smallest step along the gradient at which the loss rises",
       "a gradient, at most 9 losses", false, kNothing, true},
      {"sam", "highest rise of the loss found within a small ball", "10 gradients", false, kNothing,
       true},
      {"entropy", "Shannon entropy of the predictions", "a loss", false, kNothing, false},
      {"lpf", "mean loss under small noise: the low-pass filtered loss", "draws losses", true,
       kNothing, true},
      {"local-entropy", "log of the mean of exp(-loss) under the same noise", "nothing beside lpf",
       true, kNothing, false, "lpf"},
      {"pac-bayes", "distance from the start over the noise that is borne, squared",
       "about 6 draws losses", true, kInitial, true},
      {"valley-bound", "PAC-Bayes bound of the error for noise as wide as the valley",
       "draws losses", true, kBoth, true},
      {"lambda-max", "largest eigenvalue of the Hessian", "10 to 60 products", false, kNothing,
       true},
      {"trace", "sum of the Hessian's eigenvalues", "draws products", true, kNothing, true},
      {"frobenius", "root of the sum of their squares", "nothing beside trace", true, kNothing,
       true, "trace"},
      {"fisher-rao", "x^T H x", "a product", false, kNothing, true},
      {"spectral-density", "the Hessian's eigenvalues; the figure: the negative ones' share",
       "60 products", true, kNothing, true},
  };
  return table;
}

const MeasureFacts& find_measure_facts(const std::string& name) {
  std::vector<std::string> known;
  for (const MeasureFacts& facts : measure_table()) known.push_back(facts.name);
  return measure_table()[choose("measure", name, known)];
}

}  // namespace valley
