#!/bin/bash
# Two machines of a moment: network namespaces "a" and "b", joined by a cable, each with a name and a
# hosts file of its own. To be started by `unshare --mount --net --uts`, in whose namespaces all of
# it lives and with which it goes.
#
#   network.sh FOLDER     runs FOLDER/a/run and FOLDER/b/run, each on its machine
#
# FOLDER/{a,b} hold name, hosts, run, and get out, err and code.
set -euo pipefail
folder=$1

mount --make-rprivate /
mount -t tmpfs tmpfs /run
for machine in a b; do ip netns add "$machine"; done
ip link add name cable-a netns a type veth peer name cable-b netns b
number=1
for machine in a b; do
  ip -n "$machine" link set lo up
  ip -n "$machine" address add "10.77.0.$number/24" dev "cable-$machine"
  ip -n "$machine" address add "fd77::$number/64" dev "cable-$machine" nodad
  ip -n "$machine" link set "cable-$machine" addrgenmode none
  ip -n "$machine" link set "cable-$machine" up
  number=$((number + 1))
done
for machine in a b; do
  until [[ $(ip -n "$machine" -brief link show up "cable-$machine") == *" UP "* ]]; do sleep 0.02; done
done

for machine in a b; do
  (
    cd "$folder"
    code=0
    ip netns exec "$machine" unshare --uts --mount bash -c '
      hostname "$(cat "$0/name")"
      : > "$0/empty"
      echo "hosts: files" > "$0/nsswitch"
      mount --bind "$0/hosts" /etc/hosts
      mount --bind "$0/empty" /etc/resolv.conf
      mount --bind "$0/nsswitch" /etc/nsswitch.conf
      . "$0/run"
    ' "$folder/$machine" > "$folder/$machine/out" 2> "$folder/$machine/err" || code=$?
    echo "$code" > "$folder/$machine/code"
  ) &
done
wait
