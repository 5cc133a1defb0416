# The Debian packages that scripts/package.sh makes: the program (valley), the library (libvalley-dev) and,
# where they are built, the backend mpi (valley-mpi) and the Python package (python3-valley). Which shared
# libraries a package needs is read off its binaries.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "The Valley developers")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL program library)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)

set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME valley)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_RECOMMENDS "libopenblas0-openmp, dataset-fashion-mnist")
set(CPACK_COMPONENT_PROGRAM_DESCRIPTION "${PROJECT_DESCRIPTION}
 The program: trains a network on many workers that communicate rarely, and measures the minimum that they
 found.")

set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME libvalley-dev)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_DEPENDS
    "libtorch-dev, libfmt-dev, nlohmann-json3-dev, zlib1g-dev, libsndfile1-dev, libpng-dev, libturbojpeg0-dev, libcsv-dev, libssl-dev")
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION "${PROJECT_DESCRIPTION}
 The C++ library: static libraries, headers, the CMake package Valley and files of pkg-config.")

if(VALLEY_HAS_MPI)
  list(APPEND CPACK_COMPONENTS_ALL mpi)
  set(CPACK_DEBIAN_PROGRAM_PACKAGE_SUGGESTS valley-mpi)
  set(CPACK_DEBIAN_MPI_PACKAGE_NAME valley-mpi)
  set(CPACK_DEBIAN_MPI_PACKAGE_SECTION science)
  set(CPACK_DEBIAN_MPI_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_MPI_PACKAGE_DEPENDS "valley (= ${PROJECT_VERSION})")
  set(CPACK_DEBIAN_MPI_PACKAGE_RECOMMENDS openmpi-bin)
  set(CPACK_COMPONENT_MPI_DESCRIPTION "${PROJECT_DESCRIPTION}
 The backend mpi of the program: workers of an mpirun talk through MPI.")
endif()

if(VALLEY_BUILD_PYTHON)
  list(APPEND CPACK_COMPONENTS_ALL python)
  set(CPACK_DEBIAN_PYTHON_PACKAGE_NAME python3-valley)
  set(CPACK_DEBIAN_PYTHON_PACKAGE_SECTION python)
  set(CPACK_DEBIAN_PYTHON_PACKAGE_SHLIBDEPS ON)
  # The module is for this interpreter, and the PyTorch whose LibTorch the shared libraries ask for.
  math(EXPR next "${Python_VERSION_MINOR} + 1")
  set(CPACK_DEBIAN_PYTHON_PACKAGE_DEPENDS "python3 (>= 3.${Python_VERSION_MINOR}), python3 (<< 3.${next}), \
python3-torch, python3-numpy")
  set(CPACK_DEBIAN_PYTHON_PACKAGE_RECOMMENDS valley)
  set(CPACK_DEBIAN_PYTHON_PACKAGE_SUGGESTS python3-matplotlib)
  set(CPACK_COMPONENT_PYTHON_DESCRIPTION "${PROJECT_DESCRIPTION}
 The Python package: every method as an optimizer of PyTorch's, in a loop of one's own.")
  # The interpreter's own files beside the package's come and go with it.
  foreach(control "postinst py3compile" "prerm py3clean")
    separate_arguments(control)
    list(POP_FRONT control name)
    set(file ${PROJECT_BINARY_DIR}/debian/${name})
    file(CONFIGURE OUTPUT ${file} CONTENT "#!/bin/sh\nset -e\n${control} --package python3-valley\n")
    file(CHMOD ${file} FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
                                        WORLD_READ WORLD_EXECUTE)
    list(APPEND CPACK_DEBIAN_PYTHON_PACKAGE_CONTROL_EXTRA ${file})
  endforeach()
endif()

foreach(component IN LISTS CPACK_COMPONENTS_ALL)
  string(TOUPPER ${component} upper)
  install(FILES LICENSE RENAME copyright COMPONENT ${component} EXCLUDE_FROM_ALL
          DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${CPACK_DEBIAN_${upper}_PACKAGE_NAME})
endforeach()
include(CPack)
