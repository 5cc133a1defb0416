# valley_room(NAME [LOOPS] [LIGHT files...] [LIGHT_DEPENDS targets...] [DEPENDS targets...]
#             [TEST_DEPENDS targets...])
#
# A room is one folder: every foo.cpp in it belongs to the static library valley_NAME, every
# foo_test.cpp to the one test binary NAME_test. New files need no line here; but those that do
# without LibTorch in a room that needs it are named after LIGHT, and make valley_NAME_light.
# Headers lie beside their sources, or in include/valley/NAME if they are public.
#
# LOOPS: the room has loops of its own over values, pixels or bytes, and its speed is theirs: -O3. The
# others call what LibTorch or such a room does, and compile a third faster at -O1.
function(valley_room name)
  cmake_parse_arguments(ROOM "LOOPS" "" "LIGHT;LIGHT_DEPENDS;DEPENDS;TEST_DEPENDS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "_test\\.cpp$")
  list(FILTER tests INCLUDE REGEX "_test\\.cpp$")

  if(NOT sources)
    return()
  endif()

  if(ROOM_LIGHT)
    list(TRANSFORM ROOM_LIGHT PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ OUTPUT_VARIABLE light)
    list(REMOVE_ITEM sources ${light})
    valley_library(${name}_light SOURCES ${light} DEPENDS ${ROOM_LIGHT_DEPENDS})
    valley_compile_fast(valley_${name}_light)
    list(APPEND ROOM_DEPENDS valley_${name}_light)
  endif()
  valley_library(${name} SOURCES ${sources} DEPENDS ${ROOM_DEPENDS})
  if(NOT ROOM_LOOPS)
    valley_compile_fast(valley_${name})
  endif()

  if(VALLEY_BUILD_TESTS AND tests)
    valley_test(${name}_test SOURCES ${tests} DEPENDS valley_${name} ${ROOM_TEST_DEPENDS})
  endif()
endfunction()

function(valley_library name)
  cmake_parse_arguments(L "" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(valley_${name} STATIC ${L_SOURCES})
  add_library(valley::${name} ALIAS valley_${name})
  set_target_properties(valley_${name} PROPERTIES EXPORT_NAME ${name})
  target_include_directories(valley_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_compile_features(valley_${name} PUBLIC cxx_std_20)
  target_link_libraries(valley_${name} PUBLIC ${L_DEPENDS})
  valley_warnings(valley_${name})
  valley_unity(valley_${name})
endfunction()

# valley_test(NAME SOURCES files... [DEPENDS targets...] [LABEL label])
#
# ctest runs each TEST on its own only where asked (gtest_discover_tests starts LibTorch once a
# test, 0.3 s each): one ctest entry per binary, its own closing line lists the tests.
function(valley_test name)
  cmake_parse_arguments(T "" "LABEL" "SOURCES;DEPENDS" ${ARGN})
  if(NOT T_LABEL)
    set(T_LABEL fast)
  endif()
  add_executable(${name} ${T_SOURCES})
  target_link_libraries(${name} PRIVATE ${T_DEPENDS} GTest::gmock GTest::gtest GTest::gtest_main)
  valley_warnings(${name})
  valley_compile_fast(${name})
  valley_unity(${name})
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES LABELS ${T_LABEL} TIMEOUT 300)
  valley_longest_first(${name})
endfunction()

# The longest tests, longest first: ctest begins with them, so that two at a time end together. (Of
# what it has run before it remembers how long it took; a new build folder has run nothing.)
set(VALLEY_LONGEST_TESTS
    e2e_elastic contract_test e2e_stop e2e_own_data train_test e2e_sharpness comm_test e2e_report
    e2e_python e2e_processes e2e_mpi algorithms_test e2e_recipes e2e_study e2e_bad_input e2e_dynamics
    install e2e_probe e2e_landscape e2e_runs)

function(valley_longest_first test)
  list(FIND VALLEY_LONGEST_TESTS ${test} place)
  if(NOT place EQUAL -1)
    math(EXPR cost "1000 - ${place}")
    set_tests_properties(${test} PROPERTIES COST ${cost})
  endif()
endfunction()

# For code that only calls and compares: a fifth less to compile, and nothing that counts is slower.
# (GCC 12 sees overflows in the standard library's vectors that are none, where it inlines less.)
function(valley_compile_fast target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1 -Wno-stringop-overflow>)
endfunction()

function(valley_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra
    $<$<BOOL:${VALLEY_WARNINGS_AS_ERRORS}>:-Werror>)
endfunction()

# Files that are compiled together share their unnamed namespaces; every file of tests is a namespace
# of its own (valley::foo_test). A file that wants flags of its own stays out:
# SKIP_UNITY_BUILD_INCLUSION.
function(valley_unity target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${VALLEY_UNITY} UNITY_BUILD_BATCH_SIZE 8)
endfunction()

# valley_test_by_operators(TEST FILTER): the tests of that name in the binary TEST once more, with
# LibTorch's operators in the place of Valley's own loops (valley/comm/fused.h): what runs on other
# devices.
function(valley_test_by_operators test filter)
  if(NOT TARGET ${test})
    return()
  endif()
  add_test(NAME ${test}_by_operators COMMAND ${test} --gtest_filter=${filter}
           WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${test}_by_operators PROPERTIES LABELS fast TIMEOUT 300
                       ENVIRONMENT VALLEY_FUSED=0)
endfunction()
