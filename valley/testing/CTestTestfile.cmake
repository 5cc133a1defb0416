# CMake generated Testfile for 
# Source directory: /work/main/valley/testing
# Build directory: /work/main/valley/testing
# 
# This file includes the relevant testing commands required for 
# testing this directory and lists subdirectories to be tested as well.
add_test([=[testing_test]=] "/work/main/valley/testing/testing_test")
set_tests_properties([=[testing_test]=] PROPERTIES  LABELS "fast" TIMEOUT "300" WORKING_DIRECTORY "/work/main" _BACKTRACE_TRIPLES "/work/main/cmake/room.cmake;42;add_test;/work/main/cmake/room.cmake;26;valley_test;/work/main/valley/testing/CMakeLists.txt;1;valley_room;/work/main/valley/testing/CMakeLists.txt;0;")
