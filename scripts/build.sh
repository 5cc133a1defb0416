#!/bin/bash
# Builds the program build/release/bin/valley, or the targets given.
#
#   scripts/build.sh                 the program
#   scripts/build.sh all             everything, tests and examples included (setup.sh --tests)
#   scripts/build.sh comm_test       one room's tests
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

if (($# == 0)); then
  configure
  compile valley_program
else
  configure tests
  compile "$@"
fi
