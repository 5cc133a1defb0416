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
# Two at a time: most of a test's time is waiting, for disks, sockets and workers it has killed.
code=0
ctest --preset release --parallel 2 "$@" || code=$?
grep --only-matching 'SKIPPED: .*' build/release/Testing/Temporary/LastTest.log || true
exit $code
