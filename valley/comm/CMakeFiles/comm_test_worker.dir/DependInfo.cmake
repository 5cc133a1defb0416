
# Consider dependencies only in project.
set(CMAKE_DEPENDS_IN_PROJECT_ONLY OFF)

# The set of languages for which implicit dependencies are needed:
set(CMAKE_DEPENDS_LANGUAGES
  )

# The set of dependency files which are needed:
set(CMAKE_DEPENDS_DEPENDENCY_FILES
  "/work/main/valley/comm/test_worker/worker.cpp" "valley/comm/CMakeFiles/comm_test_worker.dir/test_worker/worker.cpp.o" "gcc" "valley/comm/CMakeFiles/comm_test_worker.dir/test_worker/worker.cpp.o.d"
  )

# Targets to which this target links.
set(CMAKE_TARGET_LINKED_INFO_FILES
  "/work/main/valley/comm/CMakeFiles/valley_comm.dir/DependInfo.cmake"
  "/work/main/valley/core/CMakeFiles/valley_core.dir/DependInfo.cmake"
  )

# Fortran module output directory.
set(CMAKE_Fortran_TARGET_MODULE_DIR "")
