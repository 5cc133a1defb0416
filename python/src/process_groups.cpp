#include <torch/csrc/utils/pybind.h>
// After torch's own.
#include <pybind11/stl.h>

#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include "bindings.h"
#include "valley/comm/process_group.h"

namespace py = pybind11;

namespace valley::python {

void bind_process_groups(py::module_& m) {
  m.def("process_group", [](c10::intrusive_ptr<c10d::ProcessGroup> group,
                            c10::intrusive_ptr<c10d::Store> store,
                            c10::intrusive_ptr<c10d::ProcessGroup> side_group,
                            const std::string& device, double timeout, const std::string& prefix) {
    ProcessGroupOptions options;
    options.store = std::move(store);
    options.side_group = std::move(side_group);
    options.devices = {c10::Device(device).type()};
    options.timeout_seconds = timeout;
    options.prefix = prefix;
    const py::gil_scoped_release release;
    return std::shared_ptr<Communicator>(make_process_group(std::move(group), std::move(options)));
  });
}

}  // namespace valley::python
