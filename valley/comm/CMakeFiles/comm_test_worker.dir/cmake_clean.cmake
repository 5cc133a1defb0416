file(REMOVE_RECURSE
  "CMakeFiles/comm_test_worker.dir/test_worker/worker.cpp.o"
  "CMakeFiles/comm_test_worker.dir/test_worker/worker.cpp.o.d"
  "comm_test_worker"
  "comm_test_worker.pdb"
)

# Per-language clean rules from dependency scanning.
foreach(lang CXX)
  include(CMakeFiles/comm_test_worker.dir/cmake_clean_${lang}.cmake OPTIONAL)
endforeach()
