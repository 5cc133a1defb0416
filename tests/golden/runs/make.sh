#!/bin/bash
# Makes the run folders beside this script, each broken off after the checkpoint at step 4 of 8:
#
#   tests/golden/runs/make.sh build/release/bin/valley
#
# They stand for what users have on their disks: what is here is not made anew when the program
# changes, or the test that resumes them would prove nothing.
set -euo pipefail
valley=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")"
for algorithm in $("$valley" list algorithms | awk 'NR > 2 && $1 != "ad-psgd" { print $1 }'); do
  [[ ! -e $algorithm ]] || continue
  momentum=0.9
  if [[ $algorithm == qg-dsgdm ]]; then momentum=0; fi
  "$valley" train --quiet --algorithm "$algorithm" --out "$algorithm" --data xor --train-samples 40 \
    --test-samples 20 --model mlp-4-3 --batch-size 5 --workers 2 --threads 1 --steps 8 \
    --momentum $momentum --checkpoint-every 4
  find "$algorithm" -mindepth 1 -maxdepth 1 ! -name config.toml ! -name checkpoints \
    ! -name metrics.jsonl -exec rm -r {} +
  rm -r "$algorithm/checkpoints/step-00000008"
  # The machine's absolute path and clock are nobody's business.
  sed -i "s|^out = .*|out = \"runs/$algorithm\"|" "$algorithm/config.toml"
done
