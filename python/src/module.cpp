#include <torch/csrc/utils/pybind.h>
// After torch's own.
#include <c10/util/Exception.h>
#include <pybind11/stl.h>

#include "bindings.h"
#include "loop.h"
#include "settings.h"
#include "valley/comm/group.h"
#include "valley/core/error.h"
#include "valley/core/version.h"

namespace py = pybind11;

namespace valley::python {
namespace {

// UsageError is a ValueError, whatever a person did wrong; the others have names of their own.
void translate_errors(py::module_& m) {
  static py::exception<CommError> comm_error(m, "CommError", PyExc_RuntimeError);
  py::register_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const UsageError& error) {
      PyErr_SetString(PyExc_ValueError, with_keywords(error.marked()).c_str());
    } catch (const CommError& error) {
      comm_error(with_keywords(error.marked()).c_str());
    } catch (const Error& error) {
      PyErr_SetString(PyExc_RuntimeError, with_keywords(error.marked()).c_str());
    }
  });
}

void bind_groups(py::module_& m) {
  const auto seconds = [](const Communicator& comm) {
    double sum = 0;
    for (int i = 0; i < kOperations; ++i) sum += comm.stats(static_cast<Operation>(i)).seconds;
    return sum;
  };
  using Release = py::call_guard<py::gil_scoped_release>;
  py::class_<Communicator, std::shared_ptr<Communicator>>(m, "Group")
      .def_property_readonly("rank", &Communicator::rank)
      .def_property_readonly("size", &Communicator::size)
      .def_property_readonly("backend",
                             [](const Communicator& c) { return std::string(c.backend()); })
      .def_property_readonly("bytes_sent", &Communicator::total_bytes)
      .def_property_readonly("seconds", seconds)
      .def_property_readonly("wait_seconds", &Communicator::total_wait_seconds)
      .def("barrier", &Communicator::barrier, Release())
      .def("all_reduce_mean", &Communicator::all_reduce_mean, Release())
      .def(
          "all_reduce_sum", [](Communicator& c, const at::Tensor& x) { c.all_reduce_sum(x, x); },
          Release())
      .def("broadcast", &Communicator::broadcast, Release())
      .def("all_gather", &Communicator::all_gather, Release())
      .def("all_gather_text", &Communicator::all_gather_text, Release())
      .def("abort", &Communicator::abort, Release());
  m.def("solo", [] { return std::shared_ptr<Communicator>(make_solo()); });
  m.def("threads", [](int workers, double timeout) {
    std::vector<std::shared_ptr<Communicator>> group;
    if (workers == 1) return std::vector{std::shared_ptr<Communicator>(make_solo())};
    for (auto& comm : make_thread_group(workers, timeout)) group.push_back(std::move(comm));
    return group;
  });
}

void bind_loop(py::module_& m) {
  py::class_<Loop>(m, "Loop")
      .def(py::init([](const std::vector<std::pair<std::string, at::Tensor>>& parameters,
                       std::shared_ptr<Communicator> comm, const std::string& method,
                       const py::dict& settings, int64_t total_steps, int64_t steps_per_epoch,
                       int64_t warmup_steps, uint64_t seed, bool track_width,
                       py::object learning_rate, py::object another_gradient) {
        std::vector<NamedTensor> named;
        for (const auto& [name, tensor] : parameters) named.push_back({name, tensor});
        const AlgorithmEntry& entry = find_algorithm(method);
        return std::make_unique<Loop>(std::move(named), std::move(comm),
                                      LoopOptions{.method = method,
                                                  .settings = entry.with(to_values(settings)),
                                                  .total_steps = total_steps,
                                                  .steps_per_epoch = steps_per_epoch,
                                                  .warmup_steps = warmup_steps,
                                                  .seed = seed,
                                                  .track_width = track_width,
                                                  .learning_rate = std::move(learning_rate),
                                                  .another_gradient = std::move(another_gradient)});
      }))
      .def("begin_together", &Loop::begin_together)
      .def("watch", &Loop::watch)
      .def("step", &Loop::step)
      .def("empty_step", &Loop::empty_step)
      .def("average", &Loop::average)
      .def("state", &Loop::state)
      .def("load_state", &Loop::load_state)
      .def_property_readonly("values", &Loop::values)
      .def_property_readonly("steps", &Loop::steps)
      .def_property_readonly("rounds", &Loop::rounds)
      .def_property_readonly("period", &Loop::period)
      .def_property_readonly("width", &Loop::width)
      .def_property_readonly("distances", &Loop::distances)
      .def_property_readonly("distance",
                             [](const Loop& loop) -> std::optional<double> {
                               if (!loop.last_round()) return std::nullopt;
                               return loop.last_round()->distance;
                             })
      .def_property_readonly("figures", [](const Loop& loop) {
        py::dict figures;
        if (loop.last_round()) {
          for (const auto& [name, value] : loop.last_round()->figures)
            figures[name.c_str()] = value;
        }
        return figures;
      });
}

}  // namespace
}  // namespace valley::python

PYBIND11_MODULE(_core, m) {
  using namespace valley::python;
  m.attr("__version__") = std::string(valley::kVersion);
  translate_errors(m);
  bind_groups(m);
  bind_process_groups(m);
  bind_loop(m);
  bind_instruments(m);
  bind_rows(m);
  bind_sampler(m);
  bind_topologies(m);
}
