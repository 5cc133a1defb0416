#!/bin/bash
# Builds and tests against Debian 13's compiler and LibTorch (2.6), in a Debian 13 of its own: a
# folder made by debootstrap, into which this tree is mounted. A second call uses the folder again.
#
#   sudo scripts/test-debian13.sh [FOLDER [CTEST ARGUMENTS...]]
#
# FOLDER is build/debian13 unless given. Takes about 6 GB of disk, root, and a Debian mirror
# (VALLEY_MIRROR, http://deb.debian.org/debian unless set).
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

folder=$(realpath --canonicalize-missing "${1:-$root/build/debian13}")
shift || true
mirror=${VALLEY_MIRROR:-http://deb.debian.org/debian}

((EUID == 0)) || fail "this needs root, to make and enter the folder"
command -v debootstrap > /dev/null || fail "debootstrap is missing: apt-get install debootstrap"

if [[ ! -e $folder/etc/valley-ready ]]; then
  say "Debian 13 in $folder"
  mkdir -p "$folder"
  debootstrap --variant=minbase trixie "$folder" "$mirror"
  touch "$folder/etc/valley-ready"
fi
mkdir -p "$folder/valley-source" "$folder/build"
cp /etc/resolv.conf "$folder/etc/resolv.conf"

# In a mount namespace of its own, so that nothing stays mounted afterwards.
export folder root
unshare --mount bash -c '
  set -e
  mount --bind "$root" "$folder/valley-source"
  mount -o remount,bind,ro "$folder/valley-source"
  mount -t proc proc "$folder/proc"
  mount --rbind /dev "$folder/dev"
  exec chroot "$folder" env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
    CCACHE_DIR=/build/ccache bash -c "$@"
' bash '
  set -euo pipefail
  cd /valley-source
  scripts/setup.sh --tests
  cmake --preset release -B /build/release
  cmake --build /build/release --parallel "$1" -- -k 0
  shift
  ctest --test-dir /build/release --output-on-failure --parallel 1 -LE slow "$@"
' bash "$(job_count)" "$@"
