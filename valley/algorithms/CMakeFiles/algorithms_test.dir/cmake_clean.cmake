file(REMOVE_RECURSE
  "CMakeFiles/algorithms_test.dir/dppf_test.cpp.o"
  "CMakeFiles/algorithms_test.dir/dppf_test.cpp.o.d"
  "CMakeFiles/algorithms_test.dir/kernels_test.cpp.o"
  "CMakeFiles/algorithms_test.dir/kernels_test.cpp.o.d"
  "CMakeFiles/algorithms_test.dir/local_sgd_test.cpp.o"
  "CMakeFiles/algorithms_test.dir/local_sgd_test.cpp.o.d"
  "CMakeFiles/algorithms_test.dir/pull_push_facts_test.cpp.o"
  "CMakeFiles/algorithms_test.dir/pull_push_facts_test.cpp.o.d"
  "CMakeFiles/algorithms_test.dir/pull_push_test.cpp.o"
  "CMakeFiles/algorithms_test.dir/pull_push_test.cpp.o.d"
  "CMakeFiles/algorithms_test.dir/ssgd_test.cpp.o"
  "CMakeFiles/algorithms_test.dir/ssgd_test.cpp.o.d"
  "algorithms_test"
  "algorithms_test.pdb"
)

# Per-language clean rules from dependency scanning.
foreach(lang CXX)
  include(CMakeFiles/algorithms_test.dir/cmake_clean_${lang}.cmake OPTIONAL)
endforeach()
