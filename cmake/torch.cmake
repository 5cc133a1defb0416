# What find_package(Torch) needs around it, for a LibTorch from a distribution's package, an unpacked
# libtorch, or a PyTorch from the package index, with CUDA or without. Installed beside Valley's own
# package, which finds LibTorch in the same way:
#
#     valley_before_torch()
#     find_package(Torch REQUIRED)
#     valley_after_torch()
#
# sets VALLEY_TORCH_LIBRARY, the file that is linked.

# valley_asked_torch(RESULT): the folder of the TorchConfig.cmake that Torch_ROOT or CMAKE_PREFIX_PATH leads
# to, empty where neither does.
function(valley_asked_torch result)
  find_file(config TorchConfig.cmake
            PATHS ${Torch_ROOT} ENV Torch_ROOT ${CMAKE_PREFIX_PATH} ENV CMAKE_PREFIX_PATH
            PATH_SUFFIXES Torch share/cmake/Torch torch/share/cmake/Torch lib/cmake/Torch
                          lib/${CMAKE_LIBRARY_ARCHITECTURE}/cmake/Torch
            NO_DEFAULT_PATH NO_CACHE)
  set(folder "")
  if(config)
    cmake_path(GET config PARENT_PATH folder)
    file(REAL_PATH ${folder} folder)
  endif()
  set(${result} "${folder}" PARENT_SCOPE)
endfunction()

macro(valley_before_torch)
  # What an earlier call found stays in the build folder, and would win over what is asked for now.
  valley_asked_torch(valley_torch)
  if(Torch_DIR)
    file(REAL_PATH "${Torch_DIR}" valley_torch_before)
    if(valley_torch AND NOT valley_torch STREQUAL valley_torch_before)
      message(FATAL_ERROR "CMAKE_PREFIX_PATH leads to the LibTorch of ${valley_torch}, and Torch_DIR, from an "
                          "earlier call in this build folder or given, to that of ${valley_torch_before}. "
                          "Ask for one of them: cmake --fresh, or a build folder of its own")
    endif()
    set(valley_torch ${valley_torch_before})
  endif()
  # Its CMake files look for each other and for its libraries in the system's folders first. Where there is
  # another LibTorch one would get a mixture of the two.
  set(valley_library_path ${CMAKE_LIBRARY_PATH})
  if(EXISTS "${valley_torch}/../Caffe2/Caffe2Config.cmake")
    cmake_path(SET Caffe2_DIR NORMALIZE "${valley_torch}/../Caffe2")
    list(PREPEND CMAKE_LIBRARY_PATH "${valley_torch}/../../../lib")
  endif()

  # Where LibTorch was built with CUDA its CMake files look for nvcc, and refuse one of another version,
  # although nothing of Valley is compiled by it. They do not look where there is a target torch::cudart.
  # A project that compiles CUDA itself gets theirs.
  set(valley_makes_cudart OFF)
  if(NOT TARGET torch::cudart AND NOT CMAKE_CUDA_COMPILER)
    set(valley_makes_cudart ON)
    add_library(torch::cudart INTERFACE IMPORTED)
  endif()
endmacro()

macro(valley_after_torch)
  set(CMAKE_LIBRARY_PATH ${valley_library_path})
  get_target_property(VALLEY_TORCH_LIBRARY torch_cpu LOCATION)
  if(TORCH_CXX_FLAGS MATCHES "_GLIBCXX_USE_CXX11_ABI=0")
    message(FATAL_ERROR "The PyTorch in ${TORCH_INSTALL_PREFIX} was built with "
                        "_GLIBCXX_USE_CXX11_ABI=0, as PyTorch's packages before 2.6 are, and the other "
                        "libraries here were not. Take PyTorch 2.6 or newer, or the libtorch whose "
                        "name has cxx11-abi")
  endif()
  if(valley_makes_cudart AND TARGET torch_cuda)
    valley_complete_cudart()
  endif()
endmacro()

# What LibTorch's headers about CUDA include in turn: PyTorch brings it in packages beside its own; else
# it is the toolkit's. Where neither is there, only a file that includes those headers misses it.
function(valley_complete_cudart)
  file(GLOB packages "${TORCH_INSTALL_PREFIX}/../nvidia/*/include")
  find_path(VALLEY_CUDA_INCLUDE_DIR cuda_runtime_api.h
            HINTS ${packages} $ENV{CUDA_HOME}/include PATHS /usr/local/cuda/include)
  find_path(VALLEY_NCCL_INCLUDE_DIR nccl.h
            HINTS ${packages} $ENV{CUDA_HOME}/include PATHS /usr/local/cuda/include)
  mark_as_advanced(VALLEY_CUDA_INCLUDE_DIR VALLEY_NCCL_INCLUDE_DIR)
  foreach(folder ${VALLEY_CUDA_INCLUDE_DIR} ${VALLEY_NCCL_INCLUDE_DIR})
    if(folder)
      target_include_directories(torch::cudart INTERFACE ${folder})
    endif()
  endforeach()
  file(GLOB libraries "${VALLEY_CUDA_INCLUDE_DIR}/../lib/libcudart.so*"
                      "${VALLEY_CUDA_INCLUDE_DIR}/../lib64/libcudart.so")
  if(libraries)
    list(GET libraries 0 library)
    file(REAL_PATH ${library} library)
    target_link_libraries(torch::cudart INTERFACE ${library})
  endif()
endfunction()
