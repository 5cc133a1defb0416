file(REMOVE_RECURSE
  "CMakeFiles/comm_test_idle.dir/test_worker/idle.cpp.o"
  "CMakeFiles/comm_test_idle.dir/test_worker/idle.cpp.o.d"
  "comm_test_idle"
  "comm_test_idle.pdb"
)

# Per-language clean rules from dependency scanning.
foreach(lang CXX)
  include(CMakeFiles/comm_test_idle.dir/cmake_clean_${lang}.cmake OPTIONAL)
endforeach()
