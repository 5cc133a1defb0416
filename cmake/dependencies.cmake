# Everything comes from the distribution's packages, which scripts/setup.sh installs; LibTorch may come
# from elsewhere.
include(${CMAKE_CURRENT_LIST_DIR}/torch.cmake)
if(VALLEY_BUILD_PYTHON)
  include(${CMAKE_CURRENT_LIST_DIR}/python.cmake)
endif()
valley_before_torch()
find_package(Torch REQUIRED)
valley_after_torch()
message(STATUS "LibTorch ${Torch_VERSION}: ${VALLEY_TORCH_LIBRARY}")
if(VALLEY_BUILD_PYTHON)
  valley_check_torch_of_python()
endif()
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
list(APPEND CMAKE_MODULE_PATH ${CMAKE_CURRENT_LIST_DIR})
find_package(SndFile REQUIRED)
find_package(PNG REQUIRED)
find_package(TurboJPEG REQUIRED)
find_package(LibCsv REQUIRED)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)  # who knows the token of a job
find_package(fmt REQUIRED)
find_package(nlohmann_json REQUIRED)

# One place that says how LibTorch is compiled against.
#  - AT_PER_OPERATOR_HEADERS: include <ATen/ops/foo.h> instead of all 2,000 operators.
#  - USE_C10D_GLOO: Debian's package does not define it, and c10d/ProcessGroupGloo.hpp is empty
#    without it.
add_library(valley_torch INTERFACE)
target_link_libraries(valley_torch INTERFACE torch Threads::Threads)
target_compile_definitions(valley_torch INTERFACE AT_PER_OPERATOR_HEADERS USE_C10D_GLOO)
target_compile_options(valley_torch INTERFACE
  $<BUILD_INTERFACE:-Wno-deprecated-declarations>)
# clang++ 14 uses vectors of IValue inside LibTorch's headers before they say what that is, unless it knows.
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  target_compile_options(valley_torch INTERFACE "$<BUILD_INTERFACE:SHELL:-include ATen/core/ivalue.h>")
endif()
set_target_properties(valley_torch PROPERTIES EXPORT_NAME torch)

# PyTorch's own packages have another fmt among their headers. That of our headers must be the one that
# is linked: a folder with nothing else goes first.
get_target_property(fmt_include fmt::fmt INTERFACE_INCLUDE_DIRECTORIES)
if(EXISTS ${TORCH_INSTALL_PREFIX}/include/fmt AND NOT fmt_include STREQUAL "${TORCH_INSTALL_PREFIX}/include")
  set(VALLEY_FMT_FIRST ${CMAKE_INSTALL_LIBDIR}/cmake/Valley/fmt_first)
  file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/fmt_first)
  file(CREATE_LINK ${fmt_include}/fmt ${PROJECT_BINARY_DIR}/fmt_first/fmt SYMBOLIC)
  target_include_directories(valley_torch INTERFACE
    $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/fmt_first> $<INSTALL_INTERFACE:${VALLEY_FMT_FIRST}>)
  install(DIRECTORY ${PROJECT_BINARY_DIR}/fmt_first/ DESTINATION ${VALLEY_FMT_FIRST})
endif()

if(VALLEY_SANITIZER STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(VALLEY_SANITIZER STREQUAL "thread")
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
elseif(VALLEY_SANITIZER STREQUAL "fuzzer")
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "VALLEY_SANITIZER=fuzzer needs clang++ (cmake --preset fuzz), "
                        "got ${CMAKE_CXX_COMPILER_ID}")
  endif()
  # What is told to the fuzzer; its main() is linked to the targets alone (tests/fuzz).
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
elseif(NOT VALLEY_SANITIZER STREQUAL "")
  message(FATAL_ERROR "VALLEY_SANITIZER must be address, thread, fuzzer or empty, "
                      "got ${VALLEY_SANITIZER}")
endif()

# The backend mpi is a library of its own, loaded when somebody asks for it: libmpi is not linked
# elsewhere.
set(VALLEY_HAS_MPI OFF)
if(VALLEY_MPI STREQUAL "AUTO" AND VALLEY_SANITIZER)
  message(STATUS "Backend mpi: no, libmpi is not made for sanitizers (VALLEY_MPI=ON: all the same)")
elseif(VALLEY_MPI)
  set(MPI_CXX_SKIP_MPICXX ON)
  find_package(MPI QUIET COMPONENTS CXX)
  if(MPI_CXX_FOUND)
    set(VALLEY_HAS_MPI ON)
    list(GET MPI_CXX_INCLUDE_DIRS 0 folder)
    message(STATUS "Backend mpi: yes, MPI ${MPI_CXX_VERSION} of ${folder}")
  elseif(VALLEY_MPI STREQUAL "AUTO")
    message(STATUS "Backend mpi: no, there is no MPI (Debian: libopenmpi-dev)")
  else()
    message(FATAL_ERROR "VALLEY_MPI=ON, and there is no MPI (Debian: libopenmpi-dev)")
  endif()
else()
  message(STATUS "Backend mpi: no, VALLEY_MPI=OFF")
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()
# GCC collects its garbage less often: up to a sixth of a file's time for up to a third more memory.
add_compile_options("$<$<COMPILE_LANG_AND_ID:CXX,GNU>:--param=ggc-min-heapsize=1000000>"
                    "$<$<COMPILE_LANG_AND_ID:CXX,GNU>:--param=ggc-min-expand=100>")
find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM)
  add_link_options(-fuse-ld=mold)
endif()

if(VALLEY_BUILD_TESTS)
  find_package(GTest REQUIRED)
endif()
