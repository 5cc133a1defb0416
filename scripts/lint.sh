#!/bin/bash
# Runs clang-tidy 14 (.clang-tidy) on the sources that differ from a commit: 30 to 60 s a file.
#
#   scripts/lint.sh                     what differs from HEAD, new files included
#   scripts/lint.sh main                what differs from main
#   scripts/lint.sh app/program.cpp ...    these files
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
command -v clang-tidy-14 > /dev/null || fail "clang-tidy-14 is missing: scripts/setup.sh --tools"

cd "$root"
if [[ ${1:-} == *.cpp ]]; then
  files=("$@")
else
  mapfile -t files < <({
    git diff --name-only --diff-filter=d "${1:-HEAD}" -- '*.cpp'
    git ls-files --others --exclude-standard -- '*.cpp'
  } | sort --unique)
fi
if ((${#files[@]} == 0)); then
  echo "lint: no source has changed"
  exit 0
fi

# A folder of its own: build/release compiles several files at once, this wants each by itself.
commands=$root/build/lint
cmake --preset release -B "$commands" -DVALLEY_UNITY=OFF -DVALLEY_BUILD_TESTS=ON > /dev/null
# clang 14 in C++20 mode needs the whole of c10::IValue before the rest of ATen.
printf '%s\n' "${files[@]}" | xargs --max-procs "$(job_count)" -n 1 \
  clang-tidy-14 -p "$commands" --quiet \
  --extra-arg-before=-include --extra-arg-before=ATen/core/ivalue.h
echo "lint: ${#files[@]} files"
