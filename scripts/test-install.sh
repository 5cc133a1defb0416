#!/bin/bash
# Installs a build, moves the installation elsewhere, and builds and runs examples against it: by
# find_package, as a whole and one component, and by pkg-config. ctest runs this as the test
# `install`.
#
#   scripts/test-install.sh [BUILD_FOLDER]
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

build=${1:-$build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --prefix "$work/first" > "$work/install.log"
mv "$work/first" "$work/prefix"  # nothing in it may know where it was

package=$(dirname "$(find "$work/prefix" -name ValleyConfig.cmake)")
pkgconfig=$(dirname "$(find "$work/prefix" -name valley.pc)")
for path in "$root" "$build" "$work/first"; do
  if grep --recursive --fixed-strings --files-with-matches "$path/" "$package" "$pkgconfig" \
      "$work/prefix/include"; then
    fail "the files above name $path"
  fi
done
installed=$(cd "$work/prefix/include" && find . -type f | sort)
public=$(cd "$root/include" && find . -name '*.h' | sort)
[[ $installed == "$public" ]] || fail "the installed headers are not those of include/"

launcher=$(command -v ccache || true)
say "find_package(Valley)"
configure_example() {
  cmake -S "$root/examples/$1" -B "$work/$1" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_CXX_COMPILER_LAUNCHER="$launcher" -DCMAKE_PREFIX_PATH="$work/prefix" "${@:2}"
}
configure_example installed > "$work/configure.log"
cmake --build "$work/installed"
"$work/installed/own_loop" 100 | tee "$work/output"
grep --quiet '^valley width [0-9]' "$work/output"

say "find_package(Valley COMPONENTS topology), where there is no LibTorch"
without=()
for other in Torch Caffe2 ZLIB SndFile PNG TurboJPEG LibCsv nlohmann_json; do
  without+=("-DCMAKE_DISABLE_FIND_PACKAGE_$other=ON")
done
configure_example installed_graph "${without[@]}" > "$work/configure.log"
cmake --build "$work/installed_graph"
"$work/installed_graph/graph" ring 8 | tee "$work/output"
grep --quiet '^ring of 8: spectral gap 0.1953' "$work/output"
if configure_example installed "${without[@]}" > "$work/refused.log" 2>&1; then
  fail "the whole library was found without LibTorch"
fi
grep --quiet 'Torch' "$work/refused.log" || fail "nobody said that LibTorch is missing"

mkdir "$work/torch"
echo 'add_library(torch_cpu UNKNOWN IMPORTED)' > "$work/torch/TorchConfig.cmake"
printf 'set(PACKAGE_VERSION 9.9)\nset(PACKAGE_VERSION_COMPATIBLE ON)\n' > "$work/torch/TorchConfigVersion.cmake"
if configure_example installed --fresh -DTorch_DIR="$work/torch" > "$work/refused.log" 2>&1; then
  fail "the library was found with another LibTorch than that it was built against"
fi
tr --squeeze-repeats ' \n' ' ' < "$work/refused.log" > "$work/output"
grep --quiet 'This Valley was built against LibTorch .* is 9.9' "$work/output" || fail "$(cat "$work/output")"

echo 'find_package(Valley REQUIRED COMPONENTS topologie)' > "$work/unknown.cmake"
if cmake -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_SIZEOF_VOID_P=8 -P "$work/unknown.cmake" \
    2> "$work/refused.log"; then
  fail "an unknown component was found"
fi
tr --squeeze-repeats ' \n' ' ' < "$work/refused.log" | tee "$work/output"
grep --quiet "no component 'topologie'; its components are core, record" "$work/output"

say "pkg-config"
export PKG_CONFIG_PATH=$pkgconfig
compile_example() {
  # shellcheck disable=SC2046  # flags are words
  $launcher g++ -std=c++20 -O1 -c "$root/examples/$1.cpp" -o "$work/$1.o" $(pkg-config --cflags "$2")
  # shellcheck disable=SC2046
  g++ "$work/$1.o" -o "$work/$1" $(pkg-config --libs "$2")
}
compile_example graph valley-topology
"$work/graph" ring 8 | grep '^ring of 8: spectral gap 0.1953'
if ldd "$work/graph" | grep torch; then fail "a graph needs no LibTorch"; fi
compile_example own_loop valley
"$work/own_loop" 100 | grep '^valley width [0-9]'

say "the program"
version=$("$work/prefix/bin/valley" --version)
[[ $version == "valley $(pkg-config --modversion valley)" ]] || fail "$version is another version"
"$work/prefix/bin/valley" list algorithms
"$work/prefix/bin/valley" train --data blobs --train-samples 200 --test-samples 100 --model mlp \
  --workers 2 --steps 2 --quiet --out "$work/run"
completion=$work/prefix/share/bash-completion/completions/valley
bash -uc "source $completion; COMP_WORDS=(valley tr); COMP_CWORD=1; _valley; echo \${COMPREPLY[0]}" \
  2> /dev/null | grep --line-regexp train
