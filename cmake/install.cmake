# What others get of Valley: the public headers (include/valley), every room as a component of
# find_package(Valley), and pkg-config's files.
#
# What a component needs is read off the targets: no second list of dependencies to forget.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/Valley)

# The library, where this tree is part of another project (add_subdirectory).
add_library(valley INTERFACE)
add_library(valley::valley ALIAS valley)

# A library that a room links beside other rooms: target, CMake package, package of pkg-config.
set(outside "torch Torch -" "Threads::Threads Threads -" "ZLIB::ZLIB ZLIB zlib"
    "SndFile::sndfile SndFile sndfile" "PNG::PNG PNG libpng"
    "TurboJPEG::turbojpeg TurboJPEG libturbojpeg" "LibCsv::csv LibCsv -lcsv" "fmt::fmt fmt fmt"
    "OpenSSL::Crypto OpenSSL libcrypto"
    "nlohmann_json::nlohmann_json nlohmann_json nlohmann_json")

# component_needs(TARGET): its components, those they need first, in `parts` and what they need of
# others, as rows of `outside`, in `found`.
function(component_needs target)
  get_target_property(links ${target} INTERFACE_LINK_LIBRARIES)
  foreach(link IN LISTS links)
    string(REGEX REPLACE "^\\$<LINK_ONLY:(.*)>$" "\\1" link "${link}")
    set(row ${outside})
    list(FILTER row INCLUDE REGEX "^${link} ")
    if(link MATCHES "^valley_")
      component_needs(${link})
    elseif(row)
      list(APPEND found "${row}")
    elseif(link)
      message(FATAL_ERROR "${target} links ${link}, which cmake/install.cmake does not know")
    endif()
  endforeach()
  string(REGEX REPLACE "^valley_" "" part ${target})
  list(APPEND parts ${part})
  list(REMOVE_DUPLICATES parts)
  list(REMOVE_DUPLICATES found)
  set(parts ${parts} PARENT_SCOPE)
  set(found ${found} PARENT_SCOPE)
endfunction()

set(components)
set(component_table "")
foreach(room IN LISTS VALLEY_ROOMS)
  foreach(component ${room}_light ${room})
    if(NOT TARGET valley_${component})
      continue()
    endif()
    list(APPEND components ${component})
    set(parts)
    set(found)
    component_needs(valley_${component})
    list(TRANSFORM found REPLACE "^[^ ]+ ([^ ]+) .*$" "\\1")
    string(APPEND component_table "set(Valley_${component}_parts ${parts})\n"
                                  "set(Valley_${component}_packages ${found})\n")
    target_link_libraries(valley INTERFACE valley_${component})
    install(TARGETS valley_${component} EXPORT Valley_${component})
    install(EXPORT Valley_${component} NAMESPACE valley:: DESTINATION ${package_dir})
  endforeach()
endforeach()
install(TARGETS valley_torch EXPORT Valley_torch)
install(EXPORT Valley_torch NAMESPACE valley:: DESTINATION ${package_dir})
string(REPLACE ";" " " component_table "${component_table}")
string(REPLACE ";" " " components_text "${components}")

configure_package_config_file(cmake/ValleyConfig.cmake.in ${PROJECT_BINARY_DIR}/ValleyConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/ValleyConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/ValleyConfig.cmake ${PROJECT_BINARY_DIR}/ValleyConfigVersion.cmake
              cmake/FindSndFile.cmake cmake/FindTurboJPEG.cmake cmake/FindLibCsv.cmake
              cmake/torch.cmake
        DESTINATION ${package_dir})
install(DIRECTORY include/valley DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h")

# pkg_config(NAME DESCRIPTION components...): NAME.pc, with the same knowledge. LibTorch has no such
# file: its paths are those found here.
file(RELATIVE_PATH up_to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
function(pkg_config name description)
  set(parts)
  set(found)
  foreach(component ${ARGN})
    component_needs(valley_${component})
  endforeach()
  list(REVERSE parts)  # a static library stands before those it needs
  list(REMOVE_ITEM parts torch)
  list(TRANSFORM parts PREPEND "-lvalley_")
  set(cflags)
  if("torch Torch -" IN_LIST found)
    set(folders $<REMOVE_DUPLICATES:$<TARGET_PROPERTY:torch,INTERFACE_INCLUDE_DIRECTORIES>>)
    set(cflags " -I$<JOIN:${folders}, -I>"
               "-D$<JOIN:$<TARGET_PROPERTY:valley_torch,INTERFACE_COMPILE_DEFINITIONS>, -D>"
               "${TORCH_CXX_FLAGS}")
    if(VALLEY_FMT_FIRST)
      list(PREPEND cflags " -I\${prefix}/${VALLEY_FMT_FIRST}")
    endif()
    list(APPEND parts "-L$<TARGET_FILE_DIR:torch>" -ltorch -ltorch_cpu -lc10)
    if(TARGET torch_cuda)
      list(APPEND parts -ltorch_cuda -lc10_cuda)
    endif()
    if(NOT TORCH_INSTALL_PREFIX STREQUAL "/usr")
      list(APPEND parts "-Wl,-rpath,$<TARGET_FILE_DIR:torch>")
    endif()
    if(TARGET glog::glog)  # c10's macros use it, where LibTorch was built with it
      list(APPEND parts $<TARGET_FILE:glog::glog>)
    endif()
  endif()
  if("Threads::Threads Threads -" IN_LIST found)
    list(APPEND parts -pthread)
  endif()
  list(TRANSFORM found REPLACE "^.* ([^ ]+)$" "\\1")
  list(REMOVE_ITEM found -)
  set(without ${found})  # libraries without such a file of their own
  list(FILTER without INCLUDE REGEX "^-l")
  list(FILTER found EXCLUDE REGEX "^-l")
  list(APPEND parts ${without})
  list(JOIN found " " requires)
  list(JOIN cflags " " cflags)
  list(JOIN parts " " libs)
  configure_file(cmake/valley.pc.in ${PROJECT_BINARY_DIR}/pkgconfig/${name}.pc.in @ONLY)
  file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/pkgconfig/${name}.pc
       INPUT ${PROJECT_BINARY_DIR}/pkgconfig/${name}.pc.in)
  install(FILES ${PROJECT_BINARY_DIR}/pkgconfig/${name}.pc
          DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()
pkg_config(valley "${PROJECT_DESCRIPTION}" ${components})
pkg_config(valley-topology "Graphs and mixing matrices for decentralised training" topology)
