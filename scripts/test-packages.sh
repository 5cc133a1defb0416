#!/bin/bash
# Installs the packages of scripts/package.sh in a Debian of its own that has nothing else, and tries them: the
# program trains, looks and reports; a project outside this tree builds with the library; two processes train
# with the Python package. Then they are removed, and must leave nothing.
#
#   sudo scripts/test-packages.sh [FOLDER]
#
# FOLDER is build/debian-clean unless given; it is made by debootstrap, of the release that this runs on, once,
# and each call works on a fresh copy. Takes 3 GB of disk, root, and a Debian mirror (VALLEY_MIRROR,
# http://deb.debian.org/debian unless set).
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

folder=$(realpath --canonicalize-missing "${1:-$root/build/debian-clean}")
mirror=${VALLEY_MIRROR:-http://deb.debian.org/debian}
release=$(. /etc/os-release && echo "$VERSION_CODENAME")

((EUID == 0)) || fail "this needs root, to make and enter the folder"
command -v debootstrap > /dev/null || fail "debootstrap is missing: apt-get install debootstrap"
packages=("$root"/build/packages/*.deb)
[[ -e ${packages[0]} ]] || fail "there is no package in build/packages: scripts/package.sh"

if [[ ! -e $folder/base/etc/ready ]]; then
  say "Debian ($release) in $folder/base"
  rm -rf "$folder/base"
  mkdir -p "$folder/base"
  debootstrap --variant=minbase "$release" "$folder/base" "$mirror"
  touch "$folder/base/etc/ready"
fi
trap 'rm -rf "$folder/try"' EXIT
rm -rf "$folder/try"
cp --archive "$folder/base" "$folder/try"
mkdir "$folder/try/packages"
cp "${packages[@]}" "$folder/try/packages"
cp --recursive "$root/examples" "$root/docs" "$folder/try"
cp /etc/resolv.conf "$folder/try/etc/resolv.conf"

# In a mount namespace of its own, so that nothing stays mounted afterwards.
export folder
# shellcheck disable=SC2016
unshare --mount bash -c '
  set -e
  mount -t proc proc "$folder/try/proc"
  mount --rbind /dev "$folder/try/dev"
  exec chroot "$folder/try" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
    DEBIAN_FRONTEND=noninteractive bash -c "$@"
' bash '
  set -euo pipefail
  say() { printf "\n== %s\n" "$*"; }
  quietly() { "$@" > /tmp/log 2>&1 || { cat /tmp/log; exit 1; }; }
  install() { quietly apt-get install --yes --no-install-recommends -qq "$@"; }
  quietly apt-get update
  cd /root

  say "valley"
  install /packages/valley_*.deb
  valley --version
  valley list algorithms | grep "^dppf " | cut -c 1-72
  valley train --data blobs --train-samples 200 --test-samples 100 --model mlp --workers 2 --steps 20 \
    --launch processes --quiet --out run
  valley sharpness run --measures pac-bayes --samples 50 --draws 2 --quiet
  valley report run
  test -s run/report.html

  say "libvalley-dev"
  install /packages/libvalley-dev_*.deb g++ cmake ninja-build pkg-config
  quietly cmake -S /examples/installed -B /tmp/build -G Ninja -DCMAKE_BUILD_TYPE=Release
  quietly cmake --build /tmp/build
  /tmp/build/own_loop 100 | grep "^valley width"
  g++ -std=c++20 -O1 /examples/graph.cpp -o /tmp/graph $(pkg-config --cflags --libs valley-topology)
  /tmp/graph ring 8 | grep "^ring of 8"

  say "python3-valley"
  install /packages/python3-valley_*.deb
  python3 -m valley --version
  python3 -m torch.distributed.run --nproc_per_node 2 -r 1 -t 1 /examples/python/language_model.py \
    --epochs 1 --text /docs/running.md 2> /tmp/log || { cat /tmp/log; exit 1; }

  say "removed"
  quietly apt-get purge --yes -qq valley libvalley-dev python3-valley
  if find / -xdev -path "*valley*" -not -path "/packages/*" -not -path "/examples/*" -not -path "/docs/*" \
      -not -path "/root/*" -not -path "/proc/*" -not -path "/tmp/*" | grep .; then
    echo "the files above are left"
    exit 1
  fi
  echo "nothing is left"
'
say "all packages install, work and leave"
