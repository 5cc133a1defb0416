
# Consider dependencies only in project.
set(CMAKE_DEPENDS_IN_PROJECT_ONLY OFF)

# The set of languages for which implicit dependencies are needed:
set(CMAKE_DEPENDS_LANGUAGES
  )

# The set of dependency files which are needed:
set(CMAKE_DEPENDS_DEPENDENCY_FILES
  "/work/main/valley/comm/call.cpp" "valley/comm/CMakeFiles/valley_comm.dir/call.cpp.o" "gcc" "valley/comm/CMakeFiles/valley_comm.dir/call.cpp.o.d"
  "/work/main/valley/comm/communicator.cpp" "valley/comm/CMakeFiles/valley_comm.dir/communicator.cpp.o" "gcc" "valley/comm/CMakeFiles/valley_comm.dir/communicator.cpp.o.d"
  "/work/main/valley/comm/gloo_all_reduce.cpp" "valley/comm/CMakeFiles/valley_comm.dir/gloo_all_reduce.cpp.o" "gcc" "valley/comm/CMakeFiles/valley_comm.dir/gloo_all_reduce.cpp.o.d"
  "/work/main/valley/comm/gloo_communicator.cpp" "valley/comm/CMakeFiles/valley_comm.dir/gloo_communicator.cpp.o" "gcc" "valley/comm/CMakeFiles/valley_comm.dir/gloo_communicator.cpp.o.d"
  "/work/main/valley/comm/gloo_mesh.cpp" "valley/comm/CMakeFiles/valley_comm.dir/gloo_mesh.cpp.o" "gcc" "valley/comm/CMakeFiles/valley_comm.dir/gloo_mesh.cpp.o.d"
  "/work/main/valley/comm/launcher.cpp" "valley/comm/CMakeFiles/valley_comm.dir/launcher.cpp.o" "gcc" "valley/comm/CMakeFiles/valley_comm.dir/launcher.cpp.o.d"
  "/work/main/valley/comm/ranks.cpp" "valley/comm/CMakeFiles/valley_comm.dir/ranks.cpp.o" "gcc" "valley/comm/CMakeFiles/valley_comm.dir/ranks.cpp.o.d"
  "/work/main/valley/comm/rendezvous.cpp" "valley/comm/CMakeFiles/valley_comm.dir/rendezvous.cpp.o" "gcc" "valley/comm/CMakeFiles/valley_comm.dir/rendezvous.cpp.o.d"
  "/work/main/valley/comm/run_workers.cpp" "valley/comm/CMakeFiles/valley_comm.dir/run_workers.cpp.o" "gcc" "valley/comm/CMakeFiles/valley_comm.dir/run_workers.cpp.o.d"
  "/work/main/valley/comm/solo_communicator.cpp" "valley/comm/CMakeFiles/valley_comm.dir/solo_communicator.cpp.o" "gcc" "valley/comm/CMakeFiles/valley_comm.dir/solo_communicator.cpp.o.d"
  "/work/main/valley/comm/store.cpp" "valley/comm/CMakeFiles/valley_comm.dir/store.cpp.o" "gcc" "valley/comm/CMakeFiles/valley_comm.dir/store.cpp.o.d"
  "/work/main/valley/comm/thread_communicator.cpp" "valley/comm/CMakeFiles/valley_comm.dir/thread_communicator.cpp.o" "gcc" "valley/comm/CMakeFiles/valley_comm.dir/thread_communicator.cpp.o.d"
  )

# Targets to which this target links.
set(CMAKE_TARGET_LINKED_INFO_FILES
  "/work/main/valley/core/CMakeFiles/valley_core.dir/DependInfo.cmake"
  )

# Fortran module output directory.
set(CMAKE_Fortran_TARGET_MODULE_DIR "")
