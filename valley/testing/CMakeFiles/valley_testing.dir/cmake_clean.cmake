file(REMOVE_RECURSE
  "CMakeFiles/valley_testing.dir/faulty_communicator.cpp.o"
  "CMakeFiles/valley_testing.dir/faulty_communicator.cpp.o.d"
  "CMakeFiles/valley_testing.dir/run_ranks.cpp.o"
  "CMakeFiles/valley_testing.dir/run_ranks.cpp.o.d"
  "libvalley_testing.a"
  "libvalley_testing.pdb"
)

# Per-language clean rules from dependency scanning.
foreach(lang CXX)
  include(CMakeFiles/valley_testing.dir/cmake_clean_${lang}.cmake OPTIONAL)
endforeach()
