#!/bin/bash
# Builds Valley against the PyTorch that is there, and tries it on its GPU: tests with tensors on the
# device, and how fast it is beside plain PyTorch. Needs python3 with torch (with CUDA), CMake, Ninja, a
# compiler for C++20, and no network; takes some minutes.
#
#   scripts/check-gpu.sh --gather FOLDER   on a Debian machine with scripts/setup.sh's packages: copies
#                                          what else is needed (headers and small libraries) there
#   scripts/check-gpu.sh FOLDER            on the machine with the GPU; prints one JSON line at the end
#   scripts/check-gpu.sh FOLDER cpu        the same steps on the CPU: whether the script itself works
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

packages=(libfmt-dev nlohmann-json3-dev libcli11-dev libtomlplusplus-dev zlib1g-dev libsndfile1-dev
          libpng-dev libturbojpeg0-dev libcsv-dev libssl-dev libgtest-dev libgmock-dev)

gather() {
  local folder=$1 file name
  mkdir -p "$folder/usr/lib/shared"
  # With the libraries of the same version, which they link to.
  # shellcheck disable=SC2016
  mapfile -t -O "${#packages[@]}" packages < <(dpkg-query -W -f '${Depends}, ' "${packages[@]}" |
    tr ',' '\n' | awk '$2 == "(=" { print $1 }' | sort -u)
  dpkg -L "${packages[@]}" | sort -u | while read -r file; do
    if [[ ! -f $file ]]; then continue; fi
    case $file in
      /usr/share/doc* | /usr/share/man/* | /usr/share/lintian/* | /usr/share/bug/*) ;;
      /lib/*) cp --no-dereference "$file" "$folder/usr/lib/shared" ;;
      *) cp --no-dereference --parents "$file" "$folder" ;;
    esac
  done
  # What the shared libraries need but those of C and C++.
  ldd /usr/lib/*/lib{fmt,sndfile,png,turbojpeg,csv,crypto}.so | awk '$2 == "=>" { print $1, $3 }' | sort -u |
    while read -r name file; do
      case $name in
        libc.so* | libm.so* | libstdc++* | libgcc_s* | ld-linux*) ;;
        *) cp "$(realpath "$file")" "$folder/usr/lib/shared/$name" ;;
      esac
    done
  du -sh "$folder"
}

if [[ ${1:-} == --gather && $# == 2 ]]; then
  gather "$2"
  exit
fi
if (($# < 1)) || [[ ! -d $1/usr/include ]]; then
  echo "check-gpu.sh: give the folder that scripts/check-gpu.sh --gather filled" >&2
  exit 2
fi
given=$(cd "$1" && pwd)/usr
device=${2:-cuda}
build=$root/build/gpu
libraries=$(dirname "$(find "$given/lib" -name libz.a | head -n 1)")

export CPATH=$given/include/$(basename "$libraries")  # headers that each architecture has its own of
torch=$(python3 -c 'import torch; print(torch.utils.cmake_prefix_path)')
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DVALLEY_BUILD_TESTS=ON \
  -DVALLEY_BUILD_BENCHMARKS=ON -DVALLEY_UNITY=ON -DCMAKE_PREFIX_PATH="$given;$torch" \
  -DZLIB_INCLUDE_DIR="$given/include" -DZLIB_LIBRARY="$libraries/libz.a" \
  -DSndFile_INCLUDE_DIR="$given/include" -DSndFile_LIBRARY="$libraries/libsndfile.so" \
  -DPNG_PNG_INCLUDE_DIR="$given/include" -DPNG_LIBRARY="$libraries/libpng.so" \
  -DTurboJPEG_INCLUDE_DIR="$given/include" -DTurboJPEG_LIBRARY="$libraries/libturbojpeg.so" \
  -DLibCsv_INCLUDE_DIR="$given/include" -DLibCsv_LIBRARY="$libraries/libcsv.so" \
  -DOPENSSL_INCLUDE_DIR="$given/include" -DOPENSSL_CRYPTO_LIBRARY="$libraries/libcrypto.so" \
  -Dfmt_DIR="$libraries/cmake/fmt" -DGTest_DIR="$libraries/cmake/GTest"
cmake --build "$build" --parallel "$(nproc)" --target valley_program algorithms_test \
  compression_test comm_test models_test contract_test train_test device_bench
export LD_LIBRARY_PATH=$libraries:$given/lib/shared${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}

failed=()
try() {  # try NAME FILTER: of a test binary
  local binary
  binary=$(find "$build" -name "$1" -type f -perm -u+x | head -n 1)
  echo "== $1 $2"
  "$binary" --gtest_filter="$2" --gtest_brief=1 || failed+=("$1")
}
if [[ $device == cuda ]]; then export VALLEY_TEST_DEVICE=cuda:0; fi
try models_test 'Devices.*:MixedPrecision.*'
try algorithms_test 'Kernels*'
try compression_test '*Operators*'
try contract_test 'Threads/*:AlgorithmContractAlone*:AlgorithmContractQuadratic*'
try train_test 'Trainer.Learns*:Trainer.InBf16*:Trainer.SameSeed*:Resume*ResumedE*'
unset VALLEY_TEST_DEVICE

valley=$build/bin/valley
runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT
small=(--data blobs --model lenet --workers 4 --steps 60 --batch-size 32 --quiet)
echo "== a run begun on the CPU goes on on $device"
"$valley" train "${small[@]}" --device cpu --checkpoint-every 30 --out "$runs/first"
"$valley" train "${small[@]}" --device "$device" --out "$runs/second"
"$valley" train "${small[@]}" --device "$device" --precision bf16 --out "$runs/bf16"
"$valley" sharpness "$runs/second" --device "$device" --samples 100 --quiet --measures lambda-max
gpus=$(python3 -c 'import torch; print(torch.cuda.device_count())')
if [[ $device == cuda ]] && ((gpus > 1)); then
  echo "== a GPU for each of two processes"
  "$valley" train "${small[@]}" --workers 2 --launch processes --backend nccl --device cuda \
    --out "$runs/nccl"
fi

echo "== how fast"
model=resnet-18 batch=128 steps=200
if [[ $device == cpu ]]; then model=lenet batch=8 steps=10; fi
samples=$("$valley" train --data blobs --model $model --workers 4 --batch-size $batch --steps $steps \
  --evaluate-every 0 --device "$device" --json --quiet --out "$runs/fast" |
  python3 -c 'import json, sys; print(json.load(sys.stdin)["samples_per_second"])')
plain=0
if [[ $device == cuda ]]; then plain=$(python3 scripts/gpu_plain.py $model $batch $((4 * steps))); fi
round=$("$build/benchmarks/device_bench" "$device" 11000000 4 20)
printf '{"failed": "%s", "samples_per_second": %s, "plain": %s, "round": %s}\n' "${failed[*]:-}" \
  "$samples" "$plain" "$round"
((${#failed[@]} == 0))
