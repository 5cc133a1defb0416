file(REMOVE_RECURSE
  "CMakeFiles/valley_comm.dir/call.cpp.o"
  "CMakeFiles/valley_comm.dir/call.cpp.o.d"
  "CMakeFiles/valley_comm.dir/communicator.cpp.o"
  "CMakeFiles/valley_comm.dir/communicator.cpp.o.d"
  "CMakeFiles/valley_comm.dir/gloo_all_reduce.cpp.o"
  "CMakeFiles/valley_comm.dir/gloo_all_reduce.cpp.o.d"
  "CMakeFiles/valley_comm.dir/gloo_communicator.cpp.o"
  "CMakeFiles/valley_comm.dir/gloo_communicator.cpp.o.d"
  "CMakeFiles/valley_comm.dir/gloo_mesh.cpp.o"
  "CMakeFiles/valley_comm.dir/gloo_mesh.cpp.o.d"
  "CMakeFiles/valley_comm.dir/launcher.cpp.o"
  "CMakeFiles/valley_comm.dir/launcher.cpp.o.d"
  "CMakeFiles/valley_comm.dir/ranks.cpp.o"
  "CMakeFiles/valley_comm.dir/ranks.cpp.o.d"
  "CMakeFiles/valley_comm.dir/rendezvous.cpp.o"
  "CMakeFiles/valley_comm.dir/rendezvous.cpp.o.d"
  "CMakeFiles/valley_comm.dir/run_workers.cpp.o"
  "CMakeFiles/valley_comm.dir/run_workers.cpp.o.d"
  "CMakeFiles/valley_comm.dir/solo_communicator.cpp.o"
  "CMakeFiles/valley_comm.dir/solo_communicator.cpp.o.d"
  "CMakeFiles/valley_comm.dir/store.cpp.o"
  "CMakeFiles/valley_comm.dir/store.cpp.o.d"
  "CMakeFiles/valley_comm.dir/thread_communicator.cpp.o"
  "CMakeFiles/valley_comm.dir/thread_communicator.cpp.o.d"
  "libvalley_comm.a"
  "libvalley_comm.pdb"
)

# Per-language clean rules from dependency scanning.
foreach(lang CXX)
  include(CMakeFiles/valley_comm.dir/cmake_clean_${lang}.cmake OPTIONAL)
endforeach()
