#!/bin/bash
# Formats all C++ sources with clang-format 14 (.clang-format).
#
#   scripts/format.sh            writes
#   scripts/format.sh --check    only looks; exit 1 if a file would change
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

case ${1:-} in
  "") mode=(-i) ;;
  --check) mode=(--dry-run --Werror) ;;
  *) fail "unknown argument '$1'; known: --check" ;;
esac
command -v clang-format-14 > /dev/null || fail "clang-format-14 is missing: scripts/setup.sh --tools"

cd "$root"
folders=()
for folder in include valley app python tests examples benchmarks; do
  if [[ -d $folder ]]; then folders+=("$folder"); fi
done
find "${folders[@]}" \( -name '*.h' -o -name '*.cpp' \) -print0 | xargs -0 clang-format-14 "${mode[@]}"
