file(REMOVE_RECURSE
  "CMakeFiles/comm_test.dir/call_test.cpp.o"
  "CMakeFiles/comm_test.dir/call_test.cpp.o.d"
  "CMakeFiles/comm_test.dir/communicator_test.cpp.o"
  "CMakeFiles/comm_test.dir/communicator_test.cpp.o.d"
  "CMakeFiles/comm_test.dir/gloo_communicator_test.cpp.o"
  "CMakeFiles/comm_test.dir/gloo_communicator_test.cpp.o.d"
  "CMakeFiles/comm_test.dir/launcher_test.cpp.o"
  "CMakeFiles/comm_test.dir/launcher_test.cpp.o.d"
  "CMakeFiles/comm_test.dir/rendezvous_test.cpp.o"
  "CMakeFiles/comm_test.dir/rendezvous_test.cpp.o.d"
  "CMakeFiles/comm_test.dir/thread_communicator_test.cpp.o"
  "CMakeFiles/comm_test.dir/thread_communicator_test.cpp.o.d"
  "comm_test"
  "comm_test.pdb"
)

# Per-language clean rules from dependency scanning.
foreach(lang CXX)
  include(CMakeFiles/comm_test.dir/cmake_clean_${lang}.cmake OPTIONAL)
endforeach()
