#!/bin/bash
# Gives every reader of foreign bytes (tests/fuzz) inputs that libFuzzer makes, under
# AddressSanitizer and UndefinedBehaviorSanitizer. A million of each take hours on two cores.
#
#   scripts/fuzz.sh                   a million of each
#   scripts/fuzz.sh 20000             as many of each
#   scripts/fuzz.sh 20000 idx wav     of these readers alone
#
# Inputs that reach something new are kept in build/fuzz/corpus, and the next call begins with them.
# A finding ends its reader's run: the bytes lie in build/fuzz/findings, and
#   build/fuzz/bin/idx_fuzzer build/fuzz/findings/idx-crash-...
# shows it again. It belongs into tests/fuzz/corpus once it is mended.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

executions=${1:-1000000}
[[ $executions =~ ^[0-9]+$ ]] || fail "the number of executions must be a whole number, got '$executions'"
readers=("${@:2}")

say "setup"
"$root/scripts/setup.sh" --tests --fuzz
say "build"
cd "$root"
build=$root/build/fuzz
if [[ ! -f $build/build.ninja ]]; then cmake --preset fuzz; fi
compile fuzzers

if ((${#readers[@]} == 0)); then
  for file in tests/fuzz/*_fuzzer.cpp; do readers+=("$(basename "$file" _fuzzer.cpp)"); done
fi
for reader in "${readers[@]}"; do
  [[ -x $build/bin/${reader}_fuzzer ]] || fail "there is no reader '$reader' in tests/fuzz"
done

say "fuzz: $executions of each"
TMPDIR=$(mktemp -d -p /dev/shm valley-fuzz-XXXXXX)
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
# LibTorch leaves a few things for the system to free; the targets' memory is bounded all the same.
export ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=16:malloc_context_size=10
export UBSAN_OPTIONS=print_stacktrace=1 OMP_NUM_THREADS=1
mkdir -p "$build/findings"

fuzz() {
  local reader=$1 own=$build/corpus/$1 log=$build/findings/$1.log
  mkdir -p "$own"
  local code=0
  # Longest input, and MB that one allocation may have: a picture may be packed a thousand times.
  local most=4096 memory=64
  case $reader in
    cifar) most=16384 ;;
    picture) most=1024 ;;
  esac
  "$build/bin/${reader}_fuzzer" -runs="$executions" -max_len=$most -malloc_limit_mb=$memory -timeout=20 \
    -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$build/findings/$reader-" \
    "$own" "tests/fuzz/corpus/$reader" > "$log" 2>&1 || code=$?
  local done
  done=$(awk '/stat::number_of_executed_units/ { print $2 }' "$log")
  if ((code == 0)); then
    echo "$reader: ${done:-0} executions, nothing found"
  else
    echo "$reader: a finding after ${done:-?} executions: $(grep --max-count=1 -E 'ERROR|runtime error|what\(\)' "$log")"
    echo "  $log"
  fi
  return "$code"
}
export -f fuzz
export build executions

printf '%s\n' "${readers[@]}" | xargs --max-procs="$(nproc)" -I{} bash -c 'fuzz {}' \
  || fail "there are findings, see above"
