#!/bin/bash
# Makes an sdist of the Python package, installs it by pip in a virtual environment of its own, built
# against the PyTorch that is there, and runs the package's tests with what was installed. Takes some
# five minutes; the package index must be reachable for scikit-build-core and build.
#
#   scripts/test-wheel.sh [FOLDER [PYTHON]]     FOLDER is build/wheel, PYTHON /usr/bin/python3
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

folder=$(realpath --canonicalize-missing "${1:-$root/build/wheel}")
python=${2:-/usr/bin/python3}
program=$build/bin/valley
[[ -x $program ]] || fail "the tests need the program: scripts/build.sh"

say "environment in $folder"
mkdir -p "$folder"
[[ -x $folder/venv/bin/python ]] || "$python" -m venv --system-site-packages "$folder/venv"
"$folder/venv/bin/pip" install --quiet build 'scikit-build-core>=0.10' pybind11

say "sdist"
rm -rf "$folder"/dist
(cd "$root" && "$folder/venv/bin/python" -m build --sdist --no-isolation --outdir "$folder/dist")

say "install"
"$folder/venv/bin/pip" install --no-build-isolation --no-deps --force-reinstall "$folder"/dist/*.tar.gz

say "test"
cd "$root/python/tests"
for suite in test_*.py; do
  echo "${suite%.py}"
  VALLEY=$program OMP_NUM_THREADS=1 "$folder/venv/bin/python" -B -m unittest "${suite%.py}"
done
