#!/bin/bash
# From a fresh clone to trained networks: installs what is missing, builds the program, and lets
# four workers train a convolutional network on Fashion-MNIST with three methods.
#
#   scripts/demo.sh                     a second call only shows the results again
#   scripts/demo.sh --fresh             trains again
#   scripts/demo.sh --fresh --seeds 0,1 other arguments go to `valley compare`
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

algorithms=ssgd,local-sgd,dppf
settings=(
  --data fashion-mnist --train-samples 2000 --model lenet
  --workers 4 --period 4 --pull 0.1 --push 0.5 --push-schedule increasing
  --epochs 20 --batch-size 32 --lr 0.03 --weight-decay 0.001
)
out=runs/demo

extra=()
for argument in "$@"; do
  if [[ $argument == --fresh ]]; then
    rm -rf "${root:?}/$out"
  else
    extra+=("$argument")
  fi
done

seconds() { echo $(($(date +%s) - $1)) s; }

cd "$root"
start=$(date +%s)
say "setup"
scripts/setup.sh
after_setup=$(date +%s)
say "build ($(jobs) compilers at once)"
configure
compile valley_program
after_build=$(date +%s)
say "training"
command=(build/release/bin/valley compare --algorithms "$algorithms" "${settings[@]}" --out "$out")
printf '%s ' "${command[@]}" "${extra[@]}"
printf '\n\n'
"${command[@]}" "${extra[@]}"

best=$out/dppf-seed0
cat << END

setup $((after_setup - start)) s, build $((after_build - after_setup)) s, training $(seconds "$after_build")

  the model    $best/model.safetensors
  the table    $out/compare.json, and summary.json in every run folder
  the curves   $out/curves.svg; metrics.jsonl and TensorBoard events in every run folder
  by hand      build/release/bin/valley train --help
END
