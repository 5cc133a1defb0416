# The interpreter that the Python package is built for, and its PyTorch: the LibTorch that all of Valley is
# built against then.
if(NOT Python_EXECUTABLE AND EXISTS /usr/bin/python3 AND NOT SKBUILD)
  set(Python_EXECUTABLE /usr/bin/python3)  # the distribution's, like its LibTorch
endif()
find_package(Python REQUIRED COMPONENTS Interpreter Development.Module)

# Found, not imported, which takes seconds.
set(script "import importlib.util, runpy"
           "torch = importlib.util.find_spec('torch')"
           "folder = torch and torch.submodule_search_locations[0]"
           "print(folder, runpy.run_path(folder + '/version.py')['__version__'], sep='\\n') if torch else None")
list(JOIN script "\n" script)
execute_process(COMMAND ${Python_EXECUTABLE} -c "${script}" OUTPUT_VARIABLE lines
                OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
if(NOT lines)
  message(FATAL_ERROR "The Python package needs PyTorch, which ${Python_EXECUTABLE} does not have. "
                      "-DPython_EXECUTABLE=... asks for another interpreter")
endif()
string(REPLACE "\n" ";" lines "${lines}")
list(GET lines 0 VALLEY_PYTHON_TORCH)
list(GET lines 1 VALLEY_PYTHON_TORCH_VERSION)

# That of a distribution has no CMake files of its own; it is where the system's libraries are.
valley_asked_torch(asked)
if(NOT asked AND NOT Torch_DIR AND EXISTS ${VALLEY_PYTHON_TORCH}/share/cmake/Torch)
  list(PREPEND CMAKE_PREFIX_PATH ${VALLEY_PYTHON_TORCH}/share/cmake)
endif()

function(valley_check_torch_of_python)
  file(REAL_PATH ${VALLEY_PYTHON_TORCH}/lib/libtorch_cpu.so its_own)
  file(REAL_PATH ${VALLEY_TORCH_LIBRARY} linked)
  if(NOT its_own STREQUAL linked)
    message(FATAL_ERROR "The Python package is for ${Python_EXECUTABLE}, whose LibTorch is ${its_own}, and "
                        "CMake found ${linked}. -DPython_EXECUTABLE=... asks for another interpreter, "
                        "-DCMAKE_PREFIX_PATH=... for another LibTorch; and -DVALLEY_BUILD_PYTHON=OFF builds "
                        "without the package")
  endif()
endfunction()
