#!/bin/bash
# Builds against a PyTorch from the package index and tests that: the unit and contract tests, the Python
# package, models to and from this PyTorch's Python, and files exchanged both ways with the distribution's.
#
#   scripts/test-pytorch.sh [VERSION [CTEST ARGUMENTS...]]
#
# VERSION is newest unless given, else 2.13.0, say (2.6.0 is the oldest that can be), or the path of a Python
# that has PyTorch and numpy. The virtual environment and the build are in build/pytorch-VERSION, where a second
# call finds them: 6 GB, most of it CUDA's libraries, which PyTorch's package for Linux brings; no GPU and no CUDA
# compiler are needed. CTEST ARGUMENTS select other tests, -R comm_test, say.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

version=${1:-newest}
shift || true
folder=$root/build/pytorch-$version
python=$folder/venv/bin/python
if [[ $version == */* ]]; then
  folder=$root/build/pytorch-given
  python=$version
fi
cd "$root"

say "PyTorch of $python"
if [[ $version != */* && ! -e $folder/venv/ready ]]; then
  rm -rf "$folder/venv"
  /usr/bin/python3 -m venv "$folder/venv" || fail "python3-venv is missing: apt-get install python3-venv"
  wanted=torch
  if [[ $version != newest ]]; then wanted=torch==$version; fi
  "$python" -m pip install --quiet --disable-pip-version-check "$wanted" numpy
  touch "$folder/venv/ready"
fi
"$python" -c 'import torch; print("torch", torch.__version__, "CUDA", torch.version.cuda)'

say "setup"
scripts/setup.sh --tests
say "build"
prefix=$("$python" -c 'import torch; print(torch.utils.cmake_prefix_path)')
cmake --preset release -B "$folder/build" -DVALLEY_BUILD_TESTS=ON -DVALLEY_BUILD_PYTHON=ON \
  -DCMAKE_PREFIX_PATH="$prefix" -DVALLEY_TEST_PYTHON="$python" -DPython_EXECUTABLE="$python"
cmake --build "$folder/build" --parallel "$(job_count)"

say "whose libraries"
engine=$folder/build/libexec/valley/valley-engine
module=$(find "$folder/build/python/valley" -name '_core*.so')
readelf --dynamic "$module" | grep -E 'NEEDED.*(torch|c10)|R(UN)?PATH'
ldd "$engine" | grep 'libtorch_cpu.so\|libc10.so'
for library in "$engine" "$module"; do
  if ldd "$library" | grep '/lib\(torch\|c10\)' | grep --invert-match "$(dirname "$(dirname "$prefix")")/lib/"; then
    fail "$library links the libraries above"
  fi
done
ldd "$engine" | grep --quiet "$(dirname "$(dirname "$prefix")")/lib/libtorch_cpu.so" \
  || fail "the program does not link this PyTorch"
if ldd "$engine" | grep 'libgloo'; then fail "a second Gloo is linked"; fi
if nm --dynamic --demangle --defined-only "$engine" | grep ' gloo::'; then
  fail "these symbols would stand in for those of PyTorch's Gloo"
fi

say "test"
selection=("$@")
if (($# == 0)); then
  selection=(-LE slow -R '_test$|^install$|^python_|^e2e_(python|program|processes)$')
fi
code=0
ctest --test-dir "$folder/build" --output-on-failure --parallel 2 "${selection[@]}" || code=$?
grep --only-matching '\[  PASSED  \] [0-9]* tests' "$folder/build/Testing/Temporary/LastTest.log" \
  | awk '{ n += $4 } END { print n " tests of GoogleTest passed" }'
if (($# > 0)); then exit $code; fi

say "exchange with the distribution's PyTorch"
configure
compile valley_program
/usr/bin/python3 tests/pytorch/exchange.py "$build/bin/valley" /usr/bin/python3 \
  "$folder/build/bin/valley" "$python" || code=$?
exit $code
