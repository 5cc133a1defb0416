
# Consider dependencies only in project.
set(CMAKE_DEPENDS_IN_PROJECT_ONLY OFF)

# The set of languages for which implicit dependencies are needed:
set(CMAKE_DEPENDS_LANGUAGES
  )

# The set of dependency files which are needed:
set(CMAKE_DEPENDS_DEPENDENCY_FILES
  "/work/main/tests/contract/algorithms_test.cpp" "tests/contract/CMakeFiles/contract_test.dir/algorithms_test.cpp.o" "gcc" "tests/contract/CMakeFiles/contract_test.dir/algorithms_test.cpp.o.d"
  )

# Targets to which this target links.
set(CMAKE_TARGET_LINKED_INFO_FILES
  "/work/main/valley/algorithms/CMakeFiles/valley_algorithms.dir/DependInfo.cmake"
  "/work/main/valley/optim/CMakeFiles/valley_optim.dir/DependInfo.cmake"
  "/work/main/valley/models/CMakeFiles/valley_models.dir/DependInfo.cmake"
  "/work/main/valley/data/CMakeFiles/valley_data.dir/DependInfo.cmake"
  "/work/main/valley/testing/CMakeFiles/valley_testing.dir/DependInfo.cmake"
  "/work/main/valley/schedule/CMakeFiles/valley_schedule.dir/DependInfo.cmake"
  "/work/main/valley/comm/CMakeFiles/valley_comm.dir/DependInfo.cmake"
  "/work/main/valley/core/CMakeFiles/valley_core.dir/DependInfo.cmake"
  )

# Fortran module output directory.
set(CMAKE_Fortran_TARGET_MODULE_DIR "")
