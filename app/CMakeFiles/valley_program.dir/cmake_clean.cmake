file(REMOVE_RECURSE
  "../bin/valley"
  "../bin/valley.pdb"
  "CMakeFiles/valley_program.dir/allocator.cpp.o"
  "CMakeFiles/valley_program.dir/allocator.cpp.o.d"
  "CMakeFiles/valley_program.dir/compare.cpp.o"
  "CMakeFiles/valley_program.dir/compare.cpp.o.d"
  "CMakeFiles/valley_program.dir/list.cpp.o"
  "CMakeFiles/valley_program.dir/list.cpp.o.d"
  "CMakeFiles/valley_program.dir/main.cpp.o"
  "CMakeFiles/valley_program.dir/main.cpp.o.d"
  "CMakeFiles/valley_program.dir/options.cpp.o"
  "CMakeFiles/valley_program.dir/options.cpp.o.d"
  "CMakeFiles/valley_program.dir/processes.cpp.o"
  "CMakeFiles/valley_program.dir/processes.cpp.o.d"
  "CMakeFiles/valley_program.dir/run.cpp.o"
  "CMakeFiles/valley_program.dir/run.cpp.o.d"
  "CMakeFiles/valley_program.dir/tables.cpp.o"
  "CMakeFiles/valley_program.dir/tables.cpp.o.d"
  "CMakeFiles/valley_program.dir/train.cpp.o"
  "CMakeFiles/valley_program.dir/train.cpp.o.d"
)

# Per-language clean rules from dependency scanning.
foreach(lang CXX)
  include(CMakeFiles/valley_program.dir/cmake_clean_${lang}.cmake OPTIONAL)
endforeach()
