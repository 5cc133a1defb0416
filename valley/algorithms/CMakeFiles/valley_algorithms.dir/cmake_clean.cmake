file(REMOVE_RECURSE
  "CMakeFiles/valley_algorithms.dir/dppf.cpp.o"
  "CMakeFiles/valley_algorithms.dir/dppf.cpp.o.d"
  "CMakeFiles/valley_algorithms.dir/kernels.cpp.o"
  "CMakeFiles/valley_algorithms.dir/kernels.cpp.o.d"
  "CMakeFiles/valley_algorithms.dir/local_sgd.cpp.o"
  "CMakeFiles/valley_algorithms.dir/local_sgd.cpp.o.d"
  "CMakeFiles/valley_algorithms.dir/pull_push.cpp.o"
  "CMakeFiles/valley_algorithms.dir/pull_push.cpp.o.d"
  "CMakeFiles/valley_algorithms.dir/registry.cpp.o"
  "CMakeFiles/valley_algorithms.dir/registry.cpp.o.d"
  "CMakeFiles/valley_algorithms.dir/rounds.cpp.o"
  "CMakeFiles/valley_algorithms.dir/rounds.cpp.o.d"
  "CMakeFiles/valley_algorithms.dir/ssgd.cpp.o"
  "CMakeFiles/valley_algorithms.dir/ssgd.cpp.o.d"
  "libvalley_algorithms.a"
  "libvalley_algorithms.pdb"
)

# Per-language clean rules from dependency scanning.
foreach(lang CXX)
  include(CMakeFiles/valley_algorithms.dir/cmake_clean_${lang}.cmake OPTIONAL)
endforeach()
