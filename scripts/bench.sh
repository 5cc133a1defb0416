#!/bin/bash
# Measures what the documents claim about speed, as ratios within one run. Takes about ten minutes
# on two cores; let nothing else run.
#
#   scripts/bench.sh            median of 5 interleaved repeats
#   scripts/bench.sh 9          of 9
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

"$root/scripts/setup.sh" --tests
cd "$root"
cmake --preset release -DVALLEY_BUILD_BENCHMARKS=ON > /dev/null
compile round_bench objective_bench valley_program
/usr/bin/python3 benchmarks/bench.py "$build" "${1:-5}"
