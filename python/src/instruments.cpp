#include <torch/csrc/utils/pybind.h>
// After torch's own.
#include <ATen/TensorOperators.h>
#include <c10/core/GradMode.h>
#include <pybind11/stl.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "bindings.h"
#include "valley/analysis/minimum.h"
#include "valley/analysis/plane.h"
#include "valley/analysis/registry.h"
#include "valley/analysis/row_scale.h"
#include "valley/analysis/spread.h"
#include "valley/core/error.h"
#include "valley/core/names.h"
#include "valley/instruments/sharpness_json.h"

namespace py = pybind11;

namespace valley::python {
namespace {

using Layer = std::pair<std::string, std::vector<int64_t>>;  // name, shape

std::vector<NamedRange> ranges_of(const std::vector<Layer>& layers) {
  std::vector<NamedRange> ranges;
  int64_t offset = 0;
  for (const auto& [name, shape] : layers) {
    int64_t size = 1;
    for (const int64_t n : shape) size *= n;
    ranges.push_back({name, offset, size, shape});
    offset += size;
  }
  return ranges;
}

// A minimum whose functions are Python's, of flat vectors [d]; as minimum_of() makes one.
MinimumData minimum_of_functions(const py::function& loss, const py::function& gradient,
                                 const py::function& products, const at::Tensor& average,
                                 const std::vector<at::Tensor>& workers, const at::Tensor& initial,
                                 int64_t examples, const at::Tensor& s) {
  const auto out = [s](const at::Tensor& y) { return s.defined() ? y * s : y; };
  const auto in = [s](const at::Tensor& x) { return s.defined() && x.defined() ? x / s : x; };
  MinimumData data;
  data.scores = [=](const at::Tensor& y) {
    PointScores scores;
    scores.loss = loss(out(y)).cast<double>();
    scores.error = scores.entropy = std::nan("");
    return scores;
  };
  data.gradient = [=](const at::Tensor& y) {
    auto [value, g] = gradient(out(y)).cast<std::pair<double, at::Tensor>>();
    return LossGradient{value, out(g)};
  };
  data.products = [=](const std::vector<at::Tensor>& vs) {
    std::vector<at::Tensor> scaled, results;
    for (const at::Tensor& v : vs) scaled.push_back(out(v.to(average.scalar_type())));
    for (const at::Tensor& p : products(scaled).cast<std::vector<at::Tensor>>())
      results.push_back(out(p));
    return results;
  };
  data.average = in(average);
  for (const at::Tensor& worker : workers) data.workers.push_back(in(worker));
  data.initial = in(initial);
  data.examples = examples;
  return data;
}

SharpnessOptions options_of(const py::dict& keywords) {
  SharpnessOptions options;
  visit(options, [&](const std::string& key, auto& member, const char*) {
    using T = std::decay_t<decltype(member)>;
    if (key == "along" || !keywords.contains(key.c_str())) return;  // there are no run folders
    if constexpr (std::is_same_v<T, ValleySearch>) {
      member = parse_search(keywords[key.c_str()].cast<std::string>());
    } else if constexpr (!std::is_same_v<T, BatchNormAt>) {
      member = keywords[key.c_str()].cast<T>();
    }
  });
  check(options);
  return options;
}

std::string measured(const py::function& loss, const py::function& gradient,
                     const py::function& products, const at::Tensor& average,
                     const std::vector<at::Tensor>& workers,
                     const std::optional<at::Tensor>& initial, const std::vector<Layer>& layers,
                     int64_t examples, const py::dict& keywords) {
  const c10::NoGradGuard no_grad;
  const SharpnessOptions options = options_of(keywords);
  const SharpnessRequest request = sharpness_request(options);
  const at::Tensor scale = options.normalise ? row_scale(average, ranges_of(layers)) : at::Tensor();
  MeasureOptions measuring = request.measuring;
  measuring.bytes = static_cast<int64_t>(options.memory * 1e9);
  Minimum minimum(minimum_of_functions(loss, gradient, products, average, workers,
                                       initial.value_or(at::Tensor()), examples, scale),
                  measuring);
  SharpnessResult result;
  result.parameters = average.numel();
  for (const MeasureEntry* entry : request.measures) {
    Measured m;
    m.entry = entry;
    m.measurement.note = why_not(*entry, minimum);
    if (m.measurement.note.empty()) {
      try {
        m.measurement = entry->measure(minimum);
      } catch (const UsageError& error) {
        m.measurement.note = error.what();
      }
    } else {
      require(options.measures.empty(), "{} {}", entry->name, m.measurement.note);
    }
    result.measures.push_back(std::move(m));
  }
  return to_json(result)["measures"].dump();
}

Plane plane_of(const std::string& kind, const at::Tensor& average,
               const std::vector<at::Tensor>& workers, const std::vector<Layer>& layers,
               uint64_t seed) {
  const c10::NoGradGuard no_grad;
  const auto need = [&](size_t n) {
    require(workers.size() >= n, "plane {} needs {} workers, there are {}", kind, n,
            workers.size());
  };
  if (kind == "average") return need(2), plane_through_average(average, workers, 0, 1);
  if (kind == "workers") return need(3), plane_through_workers(workers, 0, 1, 2);
  if (kind == "spread") return need(2), plane_of_spread(average, workers, seed);
  if (kind == "random") return random_plane(average, ranges_of(layers), seed);
  throw UsageError(unknown_name("plane", kind, {"average", "workers", "spread", "random"}));
}

}  // namespace

void bind_instruments(py::module_& m) {
  m.def("measures", [] {
    std::vector<std::pair<std::string, std::string>> rows;
    for (const MeasureFacts& facts : measure_table()) rows.emplace_back(facts.name, facts.summary);
    return rows;
  });
  m.def("measure", &measured);
  py::class_<Plane>(m, "Plane")
      .def_readonly("origin", &Plane::origin)
      .def_readonly("first", &Plane::first)
      .def_readonly("second", &Plane::second)
      .def_readonly("axes", &Plane::axes)
      .def("at", &Plane::at)
      .def("coordinates", [](const Plane& plane, const at::Tensor& point) {
        const PlaneCoordinates c = coordinates(plane, point);
        return std::array<double, 3>{c.x, c.y, c.off_plane};
      });
  m.def("plane", &plane_of);
  m.def("spread", [](const at::Tensor& average, const std::vector<at::Tensor>& workers) {
    const WorkerSpread spread = spread_of_workers(average, workers);
    return std::tuple(spread.distances, spread.angles, spread.variance);
  });
}

}  // namespace valley::python
