#pragma once

#include <pybind11/pybind11.h>

namespace valley::python {

void bind_instruments(pybind11::module_& m);
void bind_process_groups(pybind11::module_& m);
void bind_rows(pybind11::module_& m);
void bind_sampler(pybind11::module_& m);
void bind_topologies(pybind11::module_& m);

}  // namespace valley::python
