# CMake generated Testfile for 
# Source directory: /work/main/tests/contract
# Build directory: /work/main/tests/contract
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
add_test([=[contract_test]=] "/work/main/tests/contract/contract_test")
set_tests_properties([=[contract_test]=] PROPERTIES  LABELS "fast" TIMEOUT "300" WORKING_DIRECTORY "/work/main" _BACKTRACE_TRIPLES "/work/main/cmake/room.cmake;42;add_test;/work/main/tests/contract/CMakeLists.txt;2;valley_test;/work/main/tests/contract/CMakeLists.txt;0;")
