file(REMOVE_RECURSE
  "CMakeFiles/testing_test.dir/faulty_communicator_test.cpp.o"
  "CMakeFiles/testing_test.dir/faulty_communicator_test.cpp.o.d"
  "testing_test"
  "testing_test.pdb"
)

# Per-language clean rules from dependency scanning.
foreach(lang CXX)
  include(CMakeFiles/testing_test.dir/cmake_clean_${lang}.cmake OPTIONAL)
endforeach()
