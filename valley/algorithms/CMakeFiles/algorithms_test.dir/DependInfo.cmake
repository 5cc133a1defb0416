
# Consider dependencies only in project.
set(CMAKE_DEPENDS_IN_PROJECT_ONLY OFF)

# The set of languages for which implicit dependencies are needed:
set(CMAKE_DEPENDS_LANGUAGES
  )

# The set of dependency files which are needed:
set(CMAKE_DEPENDS_DEPENDENCY_FILES
  "/work/main/valley/algorithms/dppf_test.cpp" "valley/algorithms/CMakeFiles/algorithms_test.dir/dppf_test.cpp.o" "gcc" "valley/algorithms/CMakeFiles/algorithms_test.dir/dppf_test.cpp.o.d"
  "/work/main/valley/algorithms/kernels_test.cpp" "valley/algorithms/CMakeFiles/algorithms_test.dir/kernels_test.cpp.o" "gcc" "valley/algorithms/CMakeFiles/algorithms_test.dir/kernels_test.cpp.o.d"
  "/work/main/valley/algorithms/local_sgd_test.cpp" "valley/algorithms/CMakeFiles/algorithms_test.dir/local_sgd_test.cpp.o" "gcc" "valley/algorithms/CMakeFiles/algorithms_test.dir/local_sgd_test.cpp.o.d"
  "/work/main/valley/algorithms/pull_push_facts_test.cpp" "valley/algorithms/CMakeFiles/algorithms_test.dir/pull_push_facts_test.cpp.o" "gcc" "valley/algorithms/CMakeFiles/algorithms_test.dir/pull_push_facts_test.cpp.o.d"
  "/work/main/valley/algorithms/pull_push_test.cpp" "valley/algorithms/CMakeFiles/algorithms_test.dir/pull_push_test.cpp.o" "gcc" "valley/algorithms/CMakeFiles/algorithms_test.dir/pull_push_test.cpp.o.d"
  "/work/main/valley/algorithms/ssgd_test.cpp" "valley/algorithms/CMakeFiles/algorithms_test.dir/ssgd_test.cpp.o" "gcc" "valley/algorithms/CMakeFiles/algorithms_test.dir/ssgd_test.cpp.o.d"
  )

# Targets to which this target links.
set(CMAKE_TARGET_LINKED_INFO_FILES
  "/work/main/valley/algorithms/CMakeFiles/valley_algorithms.dir/DependInfo.cmake"
  "/work/main/valley/testing/CMakeFiles/valley_testing.dir/DependInfo.cmake"
  "/work/main/valley/optim/CMakeFiles/valley_optim.dir/DependInfo.cmake"
  "/work/main/valley/schedule/CMakeFiles/valley_schedule.dir/DependInfo.cmake"
  "/work/main/valley/comm/CMakeFiles/valley_comm.dir/DependInfo.cmake"
  "/work/main/valley/models/CMakeFiles/valley_models.dir/DependInfo.cmake"
  "/work/main/valley/core/CMakeFiles/valley_core.dir/DependInfo.cmake"
  )

# Fortran module output directory.
set(CMAKE_Fortran_TARGET_MODULE_DIR "")
