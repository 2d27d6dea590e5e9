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
#   completed                   number of the last command that has ended, from the one that ran kubeadm on
#   control-plane-completed     what a control plane node needs after kubeadm is done
#
# The node may go down at any moment. Until kubeadm has succeeded, the next boot undoes what kubeadm did and starts over.
# After that nothing is undone: the next boot continues with the command that was interrupted. cloud-init would not run it
# again, and leave the node without the rest.

set -o nounset -o pipefail
root=/usr/local/lib/terraform-capi
sentinel=/run/cluster-api/bootstrap-success.complete
join_config=/run/kubeadm/kubeadm-join-config.yaml
kubeconfig=/etc/kubernetes/admin.conf
pki=/etc/kubernetes/pki
etcd_manifest=/etc/kubernetes/manifests/etcd.yaml
kubeadm_config=/kind/kubeadm.conf
cd /
# Commands may print secrets, so what is written here is for root alone. What they write themselves is as everywhere.
umask 077
exec >>"$root/log" 2>&1 </dev/null
umask 022

# save NAME: writes its input to a file of this folder, whole or not at all, and returns when it is on disk.
save() {
  (umask 077 && cat >"$root/$1.new") && sync "$root/$1.new" && mv "$root/$1.new" "$root/$1" && sync "$root"
}

# finish CODE COMMAND: leaves the result and ends.
finish() {
  {
    echo "exit=$1"
    echo "command=$2"
    echo
    if [ "$1" != 0 ]; then tail -n 40 "$root/log"; fi
  } | save result
  [ "$1" != 0 ] || clean_up
  exit "$1"
}

# Keys and tokens are where they belong after a success.
clean_up() {
  rm -rf "$root/files" "$root/users" "$root/commands"
}

# note TEXT: a line in the log that says when.
note() {
  echo "--- $(date -u +%H:%M:%S.%3N) $1"
}

# retry COMMAND...: an API server may be away for moments after its first start, and for minutes after a restart of the
# Docker host with many nodes.
retry() {
  for _ in $(seq 300); do
    "$@" && return 0
    sleep 1
  done
  return 1
}

# run SCRIPT
run() {
  local label
  label=$(cat "${1%.sh}.label")
  note "$label"
  /bin/sh "$1" || finish $? "$label"
}

run_boot_commands() {
  local script
  for script in "$root/boot"/*.sh; do
    [ ! -e "$script" ] || run "$script"
  done
}

run_commands() {
  local script number
  for script in "$root/commands"/*.sh; do
    [ -e "$script" ] || continue
    number=$(basename "$script" .sh)
    if ! is_completed "$number"; then
      run "$script"
      # kubeadm has succeeded. No restart must undo that, so nothing comes before writing it down.
      if [ -e "$root/completed" ] || [ -e "$sentinel" ]; then complete "$number"; fi
    fi
    if [ -e "$root/completed" ]; then after_kubeadm; fi
  done
}

# complete NUMBER: the command has ended, and so has kubeadm.
complete() {
  echo "$1" | save completed || finish $? "saving the progress"
}

is_completed() {
  [ -e "$root/completed" ] && [[ ! $1 > $(cat "$root/completed") ]]
}

# has_kubeadm_succeeded also believes kubeadm's last words: the node may have gone down before the progress was saved.
has_kubeadm_succeeded() {
  local script
  [ ! -e "$root/completed" ] || return 0
  grep -qE '^(Your Kubernetes control-plane has initialized successfully!|This node has joined the cluster)' "$root/log" || return 1
  script=$(grep -lF "$sentinel" "$root/commands"/*.sh | head -n 1)
  [ -n "$script" ] || finish 1 "kubeadm, which succeeded: no command writes $sentinel, so it is unknown where to resume"
  complete "$(basename "$script" .sh)"
}

write_files() {
  local number mode owner how path
  local -A fresh=()
  while IFS=$'\t' read -r number mode owner how path; do
    # What an earlier attempt has left is not on a tmpfs, and has been appended to already. Once kubeadm has succeeded, it
    # may also have been edited by commands that do not run again.
    if [ -e "$path" ] && [ -z "${fresh[$path]:-}" ]; then
      case $attempt-$how in
      repeated-append | resumed-*) continue ;;
      esac
    fi
    fresh[$path]=yes
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

# after_kubeadm can be repeated.
after_kubeadm() {
  if [ ! -e "$root/control-plane" ] || [ -e "$root/control-plane-completed" ]; then return 0; fi
  note "certificate names"
  certify
  if [ -s "$root/pod-subnet" ]; then
    note "network plug-in"
    install_cni
  fi
  touch "$root/control-plane-completed"
}

# The API server's certificate must be valid for the names under which the Docker host reaches it. They are in
# the configuration that the first node was initialised with, but the control plane provider drops from the
# cluster's copy of it what its own object does not have, so nodes that join later may miss them. kube-apiserver
# notices a new certificate by itself.
certify() {
  local config="$root/cluster.yaml" name missing=""
  # After an interrupted renewal, the API server that is asked below may have no certificate to start with.
  if [ -e "$kubeadm_config" ] && [ ! -e "$pki/apiserver.crt" ]; then renew_certificate; fi
  retry kubectl --kubeconfig="$kubeconfig" --namespace=kube-system get configmap kubeadm-config \
    --output=jsonpath='{.data.ClusterConfiguration}' >"$config" ||
    finish 1 "reading the cluster's kubeadm configuration"
  while read -r name; do
    grep -qxF -- "  - $name" "$config" || missing=yes
  done <"$root/control-plane"
  # kind's entrypoint makes a new certificate from this file when the node comes back with another address.
  mkdir -p "$(dirname "$kubeadm_config")"
  add_names "$config" >"$kubeadm_config.new"
  mv "$kubeadm_config.new" "$kubeadm_config"
  [ -z "$missing" ] || renew_certificate
}

renew_certificate() {
  rm -f "$pki/apiserver.crt" "$pki/apiserver.key"
  kubeadm init phase certs apiserver --config "$kubeadm_config" ||
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

# start_over undoes what kubeadm has left, which would stop it from running again.
start_over() {
  # "kubeadm reset" deletes etcd's data even if it cannot remove the member from the cluster. Without this member, the
  # others may have no quorum, and no way to remove it. Only the node that initialises the cluster has no others.
  if [ -e "$etcd_manifest" ] && grep -qF "$join_config" "$root/files.list"; then
    finish 1 "kubeadm join: interrupted after this node had become a member of etcd; delete the Machine to replace it"
  fi
  note "starting over after an interruption"
  timeout 120 kubeadm reset --force || true
}

# resume restores what was on a tmpfs and is not written by the commands that are left.
resume() {
  note "resuming after an interruption"
  write_files
  mkdir -p "$(dirname "$sentinel")"
  echo success >"$sentinel"
}

prepare() {
  write_files
  add_users
  if [ -e "$root/wait-for-images" ]; then
    until [ -e "$root/images-loaded" ]; do sleep 0.2; done
  fi
}

run_boot_commands
# Bootstrapping is done once, with whatever outcome.
if [ -e "$root/result" ]; then
  if grep -qx exit=0 "$root/result"; then clean_up; fi
  exit 0
fi

attempt=first
if [ -e "$root/started" ]; then
  attempt=repeated
  if has_kubeadm_succeeded; then attempt=resumed; fi
fi
save started

case $attempt in
first) prepare ;;
repeated) start_over; prepare ;;
resumed) resume ;;
esac
run_commands
note "done"
finish 0 ""
