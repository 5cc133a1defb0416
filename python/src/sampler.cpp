#include <pybind11/stl.h>

#include "bindings.h"
#include "valley/data/loader.h"

namespace py = pybind11;

namespace valley::python {

void bind_sampler(py::module_& m) {
  py::class_<Sampler>(m, "Sampler")
      .def(py::init([](int64_t examples, int64_t batch_size, int rank, int workers, uint64_t seed) {
             return Sampler({.examples = examples,
                             .batch_size = batch_size,
                             .rank = rank,
                             .workers = workers,
                             .seed = seed});
           }),
           py::arg("examples"), py::arg("batch_size"), py::arg("rank"), py::arg("workers"),
           py::arg("seed"))
      .def_property_readonly("steps_per_epoch", &Sampler::steps_per_epoch)
      .def("batch", [](Sampler& sampler, int64_t step) {
        const auto batch = sampler.batch(step);
        return std::vector<int64_t>(batch.begin(), batch.end());
      });
}

}  // namespace valley::python
