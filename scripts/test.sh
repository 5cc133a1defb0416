#!/bin/bash
# Installs what is missing, builds everything and runs every test.
#
#   scripts/test.sh                  all of them
#   scripts/test.sh -R comm_test     what ctest selects
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

say "setup"
"$root/scripts/setup.sh" --tests
say "build"
configure tests
compile all
say "test"
cd "$root"
# One at a time: the tests start workers of their own, and measure waits.
ctest --preset release --parallel 1 "$@"
