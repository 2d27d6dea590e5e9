#!/bin/bash
# Copyright The terraform-provider-capi Authors.
# SPDX-License-Identifier: Apache-2.0

# Turns this container into a Kubernetes node: does once what the bootstrap data asks for, and leaves the outcome
# in the file "result". All progress is in this folder, so it does not matter who watches, or whether anybody does.
#
#   boot/N.sh, N.label          commands of every boot, and how to call them in messages
#   files.list, files/N         files to write: number, mode, owner, write or append, path
#   users/N-NAME                users to make, as user.sh reads them
#   commands/N.sh, N.label      commands of the bootstrap
#   wait-for-images             wait until "images-loaded" exists before the commands
#   control-plane               this node gets an API server; names and addresses that its certificate must have
#   pod-subnet                  install the node image's network plug-in for this subnet
#   started, log, result        state

set -o nounset -o pipefail
umask 022
root=/usr/local/lib/terraform-capi
sentinel=/run/cluster-api/bootstrap-success.complete
kubeconfig=/etc/kubernetes/admin.conf
cd /
exec >>"$root/log" 2>&1 </dev/null

# finish CODE COMMAND: leaves the result, whole or not at all, and ends.
finish() {
  {
    echo "exit=$1"
    echo "command=$2"
    echo
    if [ "$1" != 0 ]; then tail -n 40 "$root/log"; fi
  } >"$root/result.new"
  mv "$root/result.new" "$root/result"
  exit "$1"
}

# note TEXT: a line in the log that says when.
note() {
  echo "--- $(date -u +%H:%M:%S.%3N) $1"
}

# retry COMMAND...: an API server that has just started may be away for moments.
retry() {
  for _ in $(seq 60); do
    "$@" && return 0
    sleep 1
  done
  return 1
}

run() {
  local script label
  for script in "$root/$1"/*.sh; do
    [ -e "$script" ] || continue
    label=$(cat "${script%.sh}.label")
    note "$label"
    /bin/sh "$script" || finish $? "$label"
    if [ -e "$sentinel" ] && [ ! -e "$root/kubeadm-done" ]; then
      after_kubeadm
      touch "$root/kubeadm-done"
    fi
  done
}

write_files() {
  local number mode owner how path
  while IFS=$'\t' read -r number mode owner how path; do
    # After an interrupted attempt: what is still there is not on a tmpfs and has been appended to already.
    if [ "$how" = append ] && [ "$interrupted" = yes ] && [ -e "$path" ]; then continue; fi
    mkdir -p "$(dirname "$path")" || finish 1 "write_files: $path"
    if [ "$how" = append ]; then
      (umask 077 && cat "$root/files/$number" >>"$path") || finish 1 "write_files: $path"
    else
      (umask 077 && cat "$root/files/$number" >"$path") || finish 1 "write_files: $path"
    fi
    { chown "$owner" "$path" && chmod "$mode" "$path"; } || finish 1 "write_files: $path"
  done <"$root/files.list"
}

add_users() {
  local user name
  for user in "$root/users"/*; do
    [ -e "$user" ] || continue
    name=${user##*/}
    name=${name#*-}
    note "users: $name"
    /bin/bash "$root/user.sh" "$user" || finish $? "users: $name"
  done
}

after_kubeadm() {
  [ -e "$root/control-plane" ] || return 0
  note "certificate names"
  certify
  if [ -s "$root/pod-subnet" ]; then
    note "network plug-in"
    install_cni
  fi
}

# The API server's certificate must be valid for the names under which the Docker host reaches it. They are in
# the configuration that the first node was initialised with, but the control plane provider drops from the
# cluster's copy of it what its own object does not have, so nodes that join later may miss them. kube-apiserver
# notices a new certificate by itself.
certify() {
  local config="$root/cluster.yaml" name missing=""
  retry kubectl --kubeconfig="$kubeconfig" --namespace=kube-system get configmap kubeadm-config \
    --output=jsonpath='{.data.ClusterConfiguration}' >"$config" ||
    finish 1 "reading the cluster's kubeadm configuration"
  while read -r name; do
    grep -qxF -- "  - $name" "$config" || missing=yes
  done <"$root/control-plane"
  # kind's entrypoint makes a new certificate from this file when the node comes back with another address.
  mkdir -p /kind
  add_names "$config" >/kind/kubeadm.conf
  [ -n "$missing" ] || return 0
  rm -f /etc/kubernetes/pki/apiserver.crt /etc/kubernetes/pki/apiserver.key
  kubeadm init phase certs apiserver --config /kind/kubeadm.conf ||
    finish $? "kubeadm init phase certs apiserver"
}

# add_names FILE: the ClusterConfiguration in FILE, as kubeadm writes it, with our names in apiServer.certSANs.
add_names() {
  awk '
    FNR == NR { names[++count] = $0; ours[$0] = 1; next }
    function header(  i) {
      print "apiServer:"
      print "  certSANs:"
      for (i = 1; i <= count; i++) print "  - " names[i]
      seen = 1
    }
    /^apiServer:/ { header(); inside = 1; next }
    /^[^ ]/ { inside = 0; list = 0 }
    inside && /^  certSANs:/ { list = 1; next }
    inside && list && /^  - / { if (!($2 in ours)) print; next }
    { list = 0; print }
    END { if (!seen) header() }
  ' "$root/control-plane" "$1"
}

install_cni() {
  local manifest=/kind/manifests/default-cni.yaml
  [ -f "$manifest" ] || finish 1 "installing the network plug-in: this node image has no $manifest"
  sed "s#{{ *\.PodSubnet *}}#$(cat "$root/pod-subnet")#g" "$manifest" >"$root/cni.yaml"
  retry kubectl --kubeconfig="$kubeconfig" apply --server-side --force-conflicts \
    --field-manager=terraform-provider-capi --filename="$root/cni.yaml" ||
    finish 1 "installing the network plug-in: kubectl apply of $manifest"
}

run boot
# Bootstrapping is done once, with whatever outcome.
[ ! -e "$root/result" ] || exit 0

interrupted=no
if [ -e "$root/started" ]; then
  # The node went down in the middle. What kubeadm left would stop it from starting over.
  interrupted=yes
  note "starting over after an interruption"
  timeout 120 kubeadm reset --force || true
  rm -f "$root/kubeadm-done"
fi
touch "$root/started"

write_files
add_users
if [ -e "$root/wait-for-images" ]; then
  until [ -e "$root/images-loaded" ]; do sleep 0.2; done
fi
run commands
# Keys and tokens are where they belong by now.
rm -rf "$root/files" "$root/users" "$root/commands"
note "done"
finish 0 ""
