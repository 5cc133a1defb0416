#include <pybind11/stl.h>

#include "bindings.h"
#include "valley/topology/facts.h"
#include "valley/topology/topology.h"

namespace py = pybind11;

namespace valley::python {

void bind_topologies(py::module_& m) {
  py::class_<TopologyFacts>(m, "TopologyFacts")
      .def_readonly("fewest_messages", &TopologyFacts::fewest_messages)
      .def_readonly("most_messages", &TopologyFacts::most_messages)
      .def_readonly("mean_messages", &TopologyFacts::mean_messages)
      .def_readonly("rate", &TopologyFacts::rate)
      .def_readonly("cycle_rate", &TopologyFacts::cycle_rate)
      .def_readonly("lambda_min", &TopologyFacts::lambda_min)
      .def_readonly("awc_limit", &TopologyFacts::awc_limit)
      .def_readonly("steps_to_thousandth", &TopologyFacts::steps_to_thousandth)
      .def_readonly("steps_to_millionth", &TopologyFacts::steps_to_millionth)
      .def_readonly("exact_after", &TopologyFacts::exact_after);
  py::class_<Topology>(m, "Topology")
      .def_property_readonly("workers", &Topology::workers)
      .def_property_readonly("directed", &Topology::directed)
      .def_property_readonly("cycle", &Topology::cycle)
      .def_property_readonly("doubly_stochastic", &Topology::doubly_stochastic)
      .def("rows",
           [](const Topology& topology, int64_t step) {
             const MixingMatrix p = topology.matrix(step);
             std::vector<std::vector<double>> rows;
             for (int j = 0; j < topology.workers(); ++j) {
               rows.emplace_back();
               for (int k = 0; k < topology.workers(); ++k) rows.back().push_back(p(j, k));
             }
             return rows;
           })
      .def("facts", [](const Topology& topology) { return analyse(topology); });
  m.def("make_topology", [](const std::string& name, int workers, uint64_t seed) {
    return make_topology(name, {.workers = workers, .seed = seed});
  });
  m.def("topologies", [] {
    std::vector<std::pair<std::string, std::string>> rows;
    for (const TopologyEntry& entry : topologies()) rows.emplace_back(entry.name, entry.summary);
    return rows;
  });
}

}  // namespace valley::python
