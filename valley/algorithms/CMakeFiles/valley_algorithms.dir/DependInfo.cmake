
# Consider dependencies only in project.
set(CMAKE_DEPENDS_IN_PROJECT_ONLY OFF)

# The set of languages for which implicit dependencies are needed:
set(CMAKE_DEPENDS_LANGUAGES
  )

# The set of dependency files which are needed:
set(CMAKE_DEPENDS_DEPENDENCY_FILES
  "/work/main/valley/algorithms/dppf.cpp" "valley/algorithms/CMakeFiles/valley_algorithms.dir/dppf.cpp.o" "gcc" "valley/algorithms/CMakeFiles/valley_algorithms.dir/dppf.cpp.o.d"
  "/work/main/valley/algorithms/kernels.cpp" "valley/algorithms/CMakeFiles/valley_algorithms.dir/kernels.cpp.o" "gcc" "valley/algorithms/CMakeFiles/valley_algorithms.dir/kernels.cpp.o.d"
  "/work/main/valley/algorithms/local_sgd.cpp" "valley/algorithms/CMakeFiles/valley_algorithms.dir/local_sgd.cpp.o" "gcc" "valley/algorithms/CMakeFiles/valley_algorithms.dir/local_sgd.cpp.o.d"
  "/work/main/valley/algorithms/pull_push.cpp" "valley/algorithms/CMakeFiles/valley_algorithms.dir/pull_push.cpp.o" "gcc" "valley/algorithms/CMakeFiles/valley_algorithms.dir/pull_push.cpp.o.d"
  "/work/main/valley/algorithms/registry.cpp" "valley/algorithms/CMakeFiles/valley_algorithms.dir/registry.cpp.o" "gcc" "valley/algorithms/CMakeFiles/valley_algorithms.dir/registry.cpp.o.d"
  "/work/main/valley/algorithms/rounds.cpp" "valley/algorithms/CMakeFiles/valley_algorithms.dir/rounds.cpp.o" "gcc" "valley/algorithms/CMakeFiles/valley_algorithms.dir/rounds.cpp.o.d"
  "/work/main/valley/algorithms/ssgd.cpp" "valley/algorithms/CMakeFiles/valley_algorithms.dir/ssgd.cpp.o" "gcc" "valley/algorithms/CMakeFiles/valley_algorithms.dir/ssgd.cpp.o.d"
  )

# Targets to which this target links.
set(CMAKE_TARGET_LINKED_INFO_FILES
  "/work/main/valley/core/CMakeFiles/valley_core.dir/DependInfo.cmake"
  "/work/main/valley/schedule/CMakeFiles/valley_schedule.dir/DependInfo.cmake"
  "/work/main/valley/comm/CMakeFiles/valley_comm.dir/DependInfo.cmake"
  )

# Fortran module output directory.
set(CMAKE_Fortran_TARGET_MODULE_DIR "")
