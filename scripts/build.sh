#!/bin/bash
# Builds the program build/release/bin/valley, or the targets given.
#
#   scripts/build.sh                 the program
#   scripts/build.sh all             everything, tests and examples included
#   scripts/build.sh comm_test       one room's tests
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

build_targets "${@:-valley_program}"
