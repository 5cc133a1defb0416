# What find_package(Torch) needs around it, for a LibTorch from a distribution's package, an unpacked
# libtorch, or a PyTorch from the package index, with CUDA or without. Installed beside Valley's own
# package, which finds LibTorch in the same way:
#
#     valley_before_torch()
#     find_package(Torch REQUIRED)
#     valley_after_torch()

# Where LibTorch was built with CUDA its CMake files look for nvcc, and refuse one of another version,
# although nothing of Valley is compiled by it. They do not look where there is a target torch::cudart.
# A project that compiles CUDA itself gets theirs.
macro(valley_before_torch)
  set(valley_makes_cudart OFF)
  if(NOT TARGET torch::cudart AND NOT CMAKE_CUDA_COMPILER)
    set(valley_makes_cudart ON)
    add_library(torch::cudart INTERFACE IMPORTED)
  endif()
endmacro()

macro(valley_after_torch)
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
