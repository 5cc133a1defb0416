# Read by the other scripts: `source "$(dirname "${BASH_SOURCE[0]}")/common.sh"`.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build/release  # one build folder for the demo, the tests and the examples

say() { printf '\n== %s\n' "$*"; }

fail() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 2
}

# How many compilers at once: one a core, and no more than fit into memory (1.5 GB each).
job_count() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/^MemAvailable/ { print int($2 / 1500000) }' /proc/meminfo)
  echo $((memory < 1 ? 1 : memory < cores ? memory : cores))
}

# Configures build/release where that has not been done, `configure tests` with the tests, which
# takes what scripts/setup.sh --tests installs. Tests that are in stay in. Ninja configures again by
# itself when a CMake file has changed.
configure() {
  local tests=OFF
  if [[ ${1:-} == tests ]]; then tests=ON; fi
  cd "$root"
  if [[ ! -f $build/build.ninja ]] ||
      { [[ $tests == ON ]] && grep --quiet '^VALLEY_BUILD_TESTS:BOOL=OFF' "$build/CMakeCache.txt"; }
  then
    # Benchmarks do not run with the tests, but what nobody compiles breaks.
    cmake --preset release -DVALLEY_BUILD_TESTS=$tests -DVALLEY_BUILD_BENCHMARKS=$tests \
      -DVALLEY_BUILD_PYTHON=$tests
  fi
}

# Builds the targets given.
compile() { cmake --build "$build" --parallel "$(job_count)" --target "$@"; }
