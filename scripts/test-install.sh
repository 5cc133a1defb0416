#!/bin/bash
# Installs a build, moves the installation elsewhere, and builds and runs examples/installed
# against it. ctest runs this as the test `install`.
#
#   scripts/test-install.sh [BUILD_FOLDER]
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

build=${1:-$build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/first" > "$work/install.log"
mv "$work/first" "$work/prefix"  # nothing in it may know where it was

package=$(dirname "$(find "$work/prefix" -name ValleyConfig.cmake)")
for path in "$root" "$build" "$work/first"; do
  if grep --recursive --fixed-strings --files-with-matches "$path/" "$package" \
      "$work/prefix/include"; then
    fail "the files above name $path"
  fi
done
if find "$work/prefix/include" -name 'test*' | grep .; then
  fail "the files above are for tests only"
fi

cmake -S "$root/examples/installed" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
  -DCMAKE_CXX_COMPILER_LAUNCHER="$(command -v ccache || true)" \
  -DCMAKE_PREFIX_PATH="$work/prefix" > "$work/configure.log"
cmake --build "$work/build"
"$work/build/own_loop" 100 | tee "$work/output"
grep --quiet '^valley width [0-9]' "$work/output"
"$work/prefix/bin/valley" --version
"$work/prefix/bin/valley" list algorithms
