#!/bin/bash
# From a fresh clone to trained networks: installs what is missing, builds the program, and lets
# four workers train a convolutional network on Fashion-MNIST with three methods (demo.toml).
#
#   scripts/demo.sh                          a second call only shows the results again
#   scripts/demo.sh --fresh                  trains again
#   scripts/demo.sh --fresh --seeds 0,1,2    other arguments go to `valley compare`
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

out=runs/demo
arguments=(--config scripts/demo.toml --out "$out")
[[ " $* " == *" --algorithms"* ]] || arguments+=(--algorithms ssgd,local-sgd,dppf)
for argument in "$@"; do
  if [[ $argument == --fresh ]]; then
    rm -rf "${root:?}/$out"
  else
    arguments+=("$argument")
  fi
done

cd "$root"
SECONDS=0
say "setup"
scripts/setup.sh
after_setup=$SECONDS

say "build"
configure
compile valley_program
after_build=$SECONDS

say "build/release/bin/valley compare ${arguments[*]}"
build/release/bin/valley compare "${arguments[@]}"

cat << END

setup $after_setup s, build $((after_build - after_setup)) s, training $((SECONDS - after_build)) s

  the models    $out/*/model.safetensors, the average of the workers
  the table     $out/compare.json; one run's numbers in its summary.json
  the curves    $out/curves.svg; also metrics.jsonl and TensorBoard events in every run folder
  go on with    build/release/bin/valley train --config scripts/demo.toml --push 1
END
