
# Consider dependencies only in project.
set(CMAKE_DEPENDS_IN_PROJECT_ONLY OFF)

# The set of languages for which implicit dependencies are needed:
set(CMAKE_DEPENDS_LANGUAGES
  )

# The set of dependency files which are needed:
set(CMAKE_DEPENDS_DEPENDENCY_FILES
  "/work/main/app/allocator.cpp" "app/CMakeFiles/valley_program.dir/allocator.cpp.o" "gcc" "app/CMakeFiles/valley_program.dir/allocator.cpp.o.d"
  "/work/main/app/compare.cpp" "app/CMakeFiles/valley_program.dir/compare.cpp.o" "gcc" "app/CMakeFiles/valley_program.dir/compare.cpp.o.d"
  "/work/main/app/list.cpp" "app/CMakeFiles/valley_program.dir/list.cpp.o" "gcc" "app/CMakeFiles/valley_program.dir/list.cpp.o.d"
  "/work/main/app/main.cpp" "app/CMakeFiles/valley_program.dir/main.cpp.o" "gcc" "app/CMakeFiles/valley_program.dir/main.cpp.o.d"
  "/work/main/app/options.cpp" "app/CMakeFiles/valley_program.dir/options.cpp.o" "gcc" "app/CMakeFiles/valley_program.dir/options.cpp.o.d"
  "/work/main/app/processes.cpp" "app/CMakeFiles/valley_program.dir/processes.cpp.o" "gcc" "app/CMakeFiles/valley_program.dir/processes.cpp.o.d"
  "/work/main/app/run.cpp" "app/CMakeFiles/valley_program.dir/run.cpp.o" "gcc" "app/CMakeFiles/valley_program.dir/run.cpp.o.d"
  "/work/main/app/tables.cpp" "app/CMakeFiles/valley_program.dir/tables.cpp.o" "gcc" "app/CMakeFiles/valley_program.dir/tables.cpp.o.d"
  "/work/main/app/train.cpp" "app/CMakeFiles/valley_program.dir/train.cpp.o" "gcc" "app/CMakeFiles/valley_program.dir/train.cpp.o.d"
  )

# Targets to which this target links.
set(CMAKE_TARGET_LINKED_INFO_FILES
  "/work/main/valley/train/CMakeFiles/valley_train.dir/DependInfo.cmake"
  "/work/main/valley/record/CMakeFiles/valley_record.dir/DependInfo.cmake"
  "/work/main/valley/algorithms/CMakeFiles/valley_algorithms.dir/DependInfo.cmake"
  "/work/main/valley/schedule/CMakeFiles/valley_schedule.dir/DependInfo.cmake"
  "/work/main/valley/evaluation/CMakeFiles/valley_evaluation.dir/DependInfo.cmake"
  "/work/main/valley/comm/CMakeFiles/valley_comm.dir/DependInfo.cmake"
  "/work/main/valley/data/CMakeFiles/valley_data.dir/DependInfo.cmake"
  "/work/main/valley/optim/CMakeFiles/valley_optim.dir/DependInfo.cmake"
  "/work/main/valley/models/CMakeFiles/valley_models.dir/DependInfo.cmake"
  "/work/main/valley/core/CMakeFiles/valley_core.dir/DependInfo.cmake"
  )

# Fortran module output directory.
set(CMAKE_Fortran_TARGET_MODULE_DIR "")
