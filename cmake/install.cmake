# find_package(Valley) gives valley::valley, the whole library.
add_library(valley INTERFACE)
add_library(valley::valley ALIAS valley)
set(rooms core record schedule topology picture comm compression models task data optim algorithms evaluation analysis train runs instruments study report)
set(existing)
foreach(room ${rooms})
  if(TARGET valley_${room})
    list(APPEND existing ${room})
  endif()
  if(TARGET valley_${room}_light)
    list(APPEND existing ${room}_light)
  endif()
endforeach()
set(rooms ${existing})
foreach(room ${rooms})
  target_link_libraries(valley INTERFACE valley_${room})
endforeach()

include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Valley)
list(TRANSFORM rooms PREPEND valley_ OUTPUT_VARIABLE room_targets)
install(TARGETS valley valley_torch ${room_targets} EXPORT ValleyTargets)
install(EXPORT ValleyTargets NAMESPACE valley:: DESTINATION ${package_dir})
install(DIRECTORY include/valley DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h")
configure_package_config_file(cmake/ValleyConfig.cmake.in ${PROJECT_BINARY_DIR}/ValleyConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/ValleyConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/ValleyConfig.cmake ${PROJECT_BINARY_DIR}/ValleyConfigVersion.cmake
              cmake/FindSndFile.cmake
        DESTINATION ${package_dir})
