#!/bin/bash
# Whether a change of the code left every bit of every synchronous method where it was: builds the
# program of another revision beside this tree's and compares what both leave. Ten minutes and more
# with a build; not part of scripts/test.sh.
#
#   scripts/test-bits.sh REVISION      a commit, a tag or a branch
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
(($# == 1)) || fail "give the revision to compare with"

revision=$(git -C "$root" rev-parse --verify --quiet "$1^{commit}") || fail "no revision '$1'"
old=$root/build/bits/$revision
if [[ ! -x $old/build/release/bin/valley ]]; then
  say "the program of $revision"
  rm -rf "$old"
  mkdir -p "$old"
  git -C "$root" archive "$revision" | tar -x -C "$old"
  mkdir -p "$old/third_party"
  cp "$root/third_party/plotly.min.js" "$old/third_party/"
  "$old/scripts/build.sh"
fi
say "this tree's program"
configure
compile valley_program
say "every synchronous method by both"
python3 "$root/tests/golden/same_bits.py" "$old/build/release/bin/valley" "$build/bin/valley"
