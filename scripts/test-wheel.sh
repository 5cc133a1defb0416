#!/bin/bash
# Makes an sdist of the Python package, lets pip install it in virtual environments of their own, and runs the
# package's tests with what was installed. The package index must be reachable.
#
#   scripts/test-wheel.sh [FOLDER [PYTHON]]     FOLDER is build/wheel, PYTHON /usr/bin/python3
#
# `pip install --no-build-isolation` against PYTHON's own PyTorch: ten minutes. With VALLEY_ISOLATED=1 besides
# plain `pip install`, which fetches the newest PyTorch to build against and to run with (10 GB of disk on
# the way, 6 GB that stay); that step has not been run to its end yet.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

folder=$(realpath --canonicalize-missing "${1:-$root/build/wheel}")
python=${2:-/usr/bin/python3}
program=${VALLEY:-$build/bin/valley}
[[ -x $program ]] || fail "the tests need the program: scripts/build.sh, or VALLEY=..."
CMAKE_BUILD_PARALLEL_LEVEL=$(job_count)
export CMAKE_BUILD_PARALLEL_LEVEL

run_tests() {  # run_tests PYTHON: of another folder than the sources, so that what was installed is found
  cd "$root/python/tests"
  "$1" -c 'import torch, valley; print("valley", valley.__version__, "of", valley.__file__, "PyTorch", torch.__version__)'
  for suite in test_*.py; do
    echo "${suite%.py}"
    env -u PYTHONPATH VALLEY="$program" OMP_NUM_THREADS=1 "$1" -B -m unittest "${suite%.py}"
  done
  cd "$root"
}

say "sdist"
mkdir -p "$folder"
if [[ ! -x $folder/venv/bin/python ]]; then
  "$python" -m venv "$folder/venv" || fail "python3-venv is missing: apt-get install python3-venv"
  # PYTHON's packages, PyTorch among them, whether it is a distribution's or that of another environment.
  "$python" -c 'import site, sysconfig; print(*site.getsitepackages(), sysconfig.get_path("purelib"), sep="\n")' \
    > "$("$folder/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/outer.pth"
fi
"$folder/venv/bin/pip" install --quiet build 'scikit-build-core>=0.10'
rm -rf "$folder/dist"
"$folder/venv/bin/python" -m build --sdist --no-isolation --skip-dependency-check \
  --outdir "$folder/dist" "$root" > "$folder/sdist.log"
sdist=("$folder"/dist/*.tar.gz)
du -h "${sdist[0]}"

say "pip install --no-build-isolation"
# In one place and compiled as other builds of this tree are, so that ccache knows the files.
rm -rf "$folder/source"
mkdir "$folder/source"
tar -xzf "${sdist[0]}" -C "$folder/source" --strip-components 1
CXX=${CXX:-c++} "$folder/venv/bin/pip" install --no-build-isolation --no-deps --force-reinstall \
  --config-settings=build-dir=build/pip --config-settings=cmake.define.VALLEY_WARNINGS_AS_ERRORS=ON \
  "$folder/source"
run_tests "$folder/venv/bin/python"

if [[ -n ${VALLEY_ISOLATED:-} ]]; then
  say "pip install, in an environment that has nothing"
  rm -rf "$folder/isolated"
  "$python" -m venv "$folder/isolated"
  "$folder/isolated/bin/pip" install "${sdist[0]}"
  run_tests "$folder/isolated/bin/python"
fi
say "the sdist installs and works"
