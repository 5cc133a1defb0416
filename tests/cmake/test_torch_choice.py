"""Which LibTorch CMake takes where there are several (cmake/torch.cmake, cmake/python.cmake).

Each is a folder with the files that matter: a distribution's, in the system's prefix, and two of the package
index, in folders of an interpreter's packages.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

CMAKE = pathlib.Path(__file__).resolve().parents[2] / "cmake"

PROJECT = f"""cmake_minimum_required(VERSION 3.25)
project(Asking LANGUAGES NONE)
include({CMAKE}/torch.cmake)
if(VALLEY_BUILD_PYTHON)
  include({CMAKE}/python.cmake)
endif()
valley_before_torch()
find_package(Torch REQUIRED)
valley_after_torch()
if(VALLEY_BUILD_PYTHON)
  valley_check_torch_of_python()
endif()
file(WRITE ${{CMAKE_BINARY_DIR}}/found "${{VALLEY_TORCH_LIBRARY}} ${{TORCH_LIBRARY}}")
"""

# As PyTorch's own files look for each other and for the libraries.
TORCH = """get_filename_component(TORCH_INSTALL_PREFIX "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
find_package(Caffe2 REQUIRED PATHS ${CMAKE_CURRENT_LIST_DIR}/../Caffe2)
find_library(TORCH_LIBRARY torch PATHS "${TORCH_INSTALL_PREFIX}/lib")
"""
CAFFE2 = """get_filename_component(prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
add_library(torch_cpu UNKNOWN IMPORTED)
set_target_properties(torch_cpu PROPERTIES IMPORTED_LOCATION ${prefix}/lib/libtorch_cpu.so)
"""


class TorchChoice(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="valley-torch-")).resolve()
        self.addCleanup(shutil.rmtree, self.folder)
        (self.folder / "project").mkdir()
        (self.folder / "project/CMakeLists.txt").write_text(PROJECT)
        self.system = self.torch("system")
        self.own, self.other = (self.torch(f"{name}/torch") for name in ("own", "other"))
        self.environment = dict(os.environ)

    def torch(self, name):
        prefix = self.folder / name
        for folder, text in (("Torch", TORCH), ("Caffe2", CAFFE2)):
            (prefix / "share/cmake" / folder).mkdir(parents=True)
            (prefix / f"share/cmake/{folder}/{folder}Config.cmake").write_text(text)
        (prefix / "lib").mkdir()
        for library in ("libtorch.so", "libtorch_cpu.so"):
            (prefix / "lib" / library).touch()
        (prefix / "__init__.py").touch()
        (prefix / "version.py").write_text("__version__ = '2.99.0+cpu'\n")
        return prefix

    def configure(self, *arguments, build="build"):
        return subprocess.run(
            ["cmake", "-S", self.folder / "project", "-B", self.folder / build, *arguments,
             f"-DCMAKE_SYSTEM_PREFIX_PATH={self.system}", "-DCMAKE_FIND_LIBRARY_PREFIXES=lib",
             "-DCMAKE_FIND_LIBRARY_SUFFIXES=.so"],
            env=self.environment, capture_output=True, text=True, check=False)  # fmt: skip

    def assert_takes(self, prefix, *arguments, build="build"):
        done = self.configure(*arguments, build=build)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = (self.folder / build / "found").read_text().split()
        self.assertEqual(found, [f"{prefix}/lib/libtorch_cpu.so", f"{prefix}/lib/libtorch.so"])

    def assert_refuses(self, message, *arguments, build="build"):
        done = self.configure(*arguments, build=build)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(message, re.sub(r"\s+", " ", done.stderr))

    def test_the_one_asked_for(self):
        prefix = f"-DCMAKE_PREFIX_PATH={self.own}/share/cmake"
        self.assert_takes(self.system)
        self.assert_refuses(f"CMAKE_PREFIX_PATH leads to the LibTorch of {self.own}/share/cmake/Torch", prefix)
        self.assert_takes(self.own, prefix, "--fresh")
        self.assert_takes(self.own)  # as Ninja configures again
        self.assert_takes(self.own, f"-DTorch_DIR={self.own}/share/cmake/Torch", build="torch-dir")
        self.environment["CMAKE_PREFIX_PATH"] = f"{self.folder}:{self.own}"  # an unpacked libtorch
        self.assert_takes(self.own, build="environment")

    def test_that_of_the_interpreter(self):
        python = ("-DVALLEY_BUILD_PYTHON=ON", f"-DPython_EXECUTABLE={sys.executable}")
        self.environment["PYTHONPATH"] = str(self.own.parent)
        self.assert_takes(self.own, *python)
        self.assert_takes(self.own)
        other = f"-DCMAKE_PREFIX_PATH={self.other}/share/cmake"
        self.assert_refuses(f"whose LibTorch is {self.own}/lib/libtorch_cpu.so, and CMake found {self.other}",
                            *python, other, build="other")  # fmt: skip
        bare = self.folder / "python"
        bare.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
        bare.chmod(0o755)
        self.assert_refuses(f"needs PyTorch, which {bare} does not have",
                            python[0], f"-DPython_EXECUTABLE={bare}", build="bare")  # fmt: skip


if __name__ == "__main__":
    unittest.main()
