#!/bin/bash
# A real Ceph on loopback: one monitor, one manager, one disk in a file, the S3 gateway; keys "key" and "secret".
# usage: scripts/ceph.sh start|stop FOLDER [PORT]    see docs/s3.md
set -euo pipefail
folder=$(realpath -m "$2"); port=${3:-7480}; conf=$folder/ceph.conf
stop() {
  for file in "$folder"/*.pid; do
    [ -e "$file" ] || continue
    pid=$(cat "$file"); kill "$pid" 2> /dev/null || continue
    while kill -0 "$pid" 2> /dev/null; do sleep 0.2; done  # its ports are free then
  done
}
[ "$1" = stop ] && { stop; exit; }
command -v radosgw > /dev/null || { echo "radosgw: not there; apt-get install ceph-mon ceph-mgr ceph-osd radosgw ceph-common" >&2; exit 1; }
[ ! -e "$folder" ] || { echo "$folder: is there already; stop what runs in it and remove it" >&2; exit 1; }
mkdir -p "$folder"/{mon,osd,mgr,rgw}
fsid=$(cat /proc/sys/kernel/random/uuid)
cat > "$conf" <<EOF
[global]
fsid = $fsid
mon host = [v1:127.0.0.1:$((port + 1))]
public network = 127.0.0.0/8
ms bind ipv6 = false
run dir = $folder
admin socket = $folder/\$name.\$pid.asok
log file = $folder/\$name.log
pid file = $folder/\$name.pid
keyring = $folder/keyring
mon data = $folder/mon
osd data = $folder/osd
mgr data = $folder/mgr
crash dir = $folder
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd crush chooseleaf type = 0
mon allow pool size one = true
mon warn on pool no redundancy = false
mon max pg per osd = 1000
osd objectstore = bluestore
bluestore block size = 10737418240
osd memory target = 939524096
rgw frontends = beast endpoint=127.0.0.1:$port
rgw multipart min part size = 1024
EOF
export CEPH_CONF=$conf
monmaptool --create --fsid "$fsid" --addv a "[v1:127.0.0.1:$((port + 1))]" "$folder/monmap" > /dev/null
ceph-authtool --create-keyring "$folder/keyring" --gen-key -n mon. --cap mon 'allow *' > /dev/null
ceph-authtool "$folder/keyring" --gen-key -n client.admin --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *' --cap mds 'allow *' > /dev/null
ceph-mon -c "$conf" -i a --mkfs --monmap "$folder/monmap" --keyring "$folder/keyring"
ceph-mon -c "$conf" -i a
ceph-mgr -c "$conf" -i x
disk=$(cat /proc/sys/kernel/random/uuid)
ceph -c "$conf" osd new "$disk" 0 > /dev/null
ceph-osd -c "$conf" -i 0 --osd-uuid "$disk" --mkfs 2> /dev/null
for try in $(seq 10); do  # on a busy machine it may ask before it knows which cluster it is of: "wrong fsid"
  ceph-osd -c "$conf" -i 0 2> "$folder/osd.said" && break
  [ "$try" -lt 10 ] || { cat "$folder/osd.said" >&2; exit 1; }
  sleep 1
done
radosgw -c "$conf" -n client.admin
for _ in $(seq 120); do (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null && break; sleep 1; done
radosgw-admin -c "$conf" user create --uid ratchet --display-name ratchet --access-key key --secret-key secret > /dev/null
echo "http://127.0.0.1:$port"
