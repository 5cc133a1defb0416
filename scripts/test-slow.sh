#!/bin/bash
# Runs the tests that are rare or heavy, which scripts/test.sh leaves out (ctest label slow): the
# architectures of torchvision, exported, trained and loaded back; hundreds of damaged files; a training killed
# at every system call of its checkpoints; workers killed and frozen at random; what the
# recipes' drivers find, over seeds.
#
#   scripts/test-slow.sh                  all of them
#   scripts/test-slow.sh -R torchvision   what ctest selects
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

say "setup"
"$root/scripts/setup.sh" --tests --slow
say "build"
configure tests
compile valley_program
say "test"
cd "$root"
ctest --preset slow "$@"
