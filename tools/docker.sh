#!/usr/bin/env bash
# Copyright The terraform-provider-capi Authors.
# SPDX-License-Identifier: Apache-2.0
#
# Makes sure that a Docker Engine answers and that the kernel allows enough inotify watchers.
#
#   tools/docker.sh        use the engine that runs; on Debian, as root, install and start one if none does
#   tools/docker.sh stop   stop the engine that this script started, and no other
#
# tools/engine.sh uses its functions.
set -euo pipefail

state=${XDG_STATE_HOME:-$HOME/.local/state}/terraform-provider-capi/docker
pidfile=$state/dockerd.pid
log=$state/dockerd.log

main() {
  case ${1:-start} in
    start) start ;;
    stop) stop ;;
    *) die "usage: $0 [stop]" ;;
  esac
}

start() {
  allow_inotify
  if ! answers; then
    install_engine
    answers || start_engine
  fi
  docker info --format 'docker: engine {{.ServerVersion}}, {{.Driver}}, cgroup v{{.CgroupVersion}}, {{.NCPU}} CPUs'
}

# An engine may accept connections before it can serve, so this asks it for something only a working one knows.
answers() {
  command -v docker >/dev/null && [[ -n $(timeout 10 docker info --format '{{.ServerVersion}}' 2>/dev/null) ]]
}

# Every node (kubelet, containerd, systemd) takes some 35 inotify instances; the kernel's default of 128 is too few.
allow_inotify() {
  raise_sysctl fs.inotify.max_user_instances 1024
  raise_sysctl fs.inotify.max_user_watches 524288
}

raise_sysctl() {
  local file=/proc/sys/${1//.//}
  [[ -r $file && $(<"$file") -lt $2 ]] || return 0
  if [[ ! -w $file ]] || ! echo "$2" 2>/dev/null >"$file"; then
    warn "$1 is $(<"$file"), several nodes need $2: sudo sysctl -w $1=$2"
  fi
}

install_engine() {
  command -v dockerd >/dev/null && command -v iptables >/dev/null && return
  # shellcheck source=/dev/null
  [[ -r /etc/os-release ]] && . /etc/os-release
  if [[ ${ID:-} != debian || $EUID -ne 0 ]]; then
    die "no Docker Engine answers. Install one (https://docs.docker.com/engine/install/), start it," \
      "and let this user reach it; on Debian, 'sudo make docker' does that."
  fi
  echo "docker: installing docker.io from Debian"
  mkdir -p "$state"
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    docker.io iptables iproute2; } >"$state/apt.log" 2>&1 || fail_with "installing docker.io failed" "$state/apt.log"
}

start_engine() {
  [[ $EUID -eq 0 ]] || die "Docker is installed but does not answer: start it, or run this as root."
  if [[ -d /run/systemd/system ]]; then
    systemctl start docker
  else
    start_dockerd
  fi
  for _ in {1..60}; do
    answers && return
    [[ ! -e $pidfile ]] || running || fail_with "dockerd ended" "$log"
    sleep 0.5
  done
  fail_with "dockerd does not answer after 30 s" "$log"
}

# A session of its own, so that the engine outlives the make or terminal that started it.
start_dockerd() {
  mkdir -p "$state"
  choose_iptables
  choose_runtime "$state"
  echo "docker: starting dockerd, log in $log"
  setsid nohup dockerd "${runtime_flags[@]}" </dev/null >"$log" 2>&1 &
  echo $! >"$pidfile"
}

# Kernels differ in which of the two back ends they can run. A network namespace that is thrown away tells.
choose_iptables() {
  local backend
  for backend in nft legacy; do
    if unshare --net "iptables-$backend" -t nat -A POSTROUTING -m addrtype --dst-type LOCAL -j MASQUERADE 2>/dev/null; then
      update-alternatives --quiet --set iptables "/usr/sbin/iptables-$backend"
      update-alternatives --quiet --set ip6tables "/usr/sbin/ip6tables-$backend"
      return
    fi
  done
  warn "neither iptables-nft nor iptables-legacy can masquerade on this kernel: containers may have no network"
}

# CAP_SYS_RESOURCE is bit 24. Sandboxes often take it away from everyone, root included.
lacks_sys_resource() {
  local bounding
  bounding=$(awk '/^CapBnd/ {print $2}' /proc/self/status)
  (((0x$bounding >> 24 & 1) == 0))
}

# choose_runtime sets the flags for a runtime that this machine can run; what that takes is written to a folder.
choose_runtime() {
  runtime_flags=()
  if lacks_sys_resource; then
    write_runtime "$1/runc-capped"
    runtime_flags=(--add-runtime "capped=$1/runc-capped" --default-runtime capped)
  fi
}

# runc grants a privileged container every capability there is, and fails if the machine itself lacks one.
# The wrapper takes that one out of what the engine asks for.
write_runtime() {
  cat >"$1" <<'EOF'
#!/bin/sh
previous=
for argument in "$@"; do
  case $previous in
    --bundle | -b) file=$argument/config.json ;;
    --process | -p) file=$argument ;;
    *) file= ;;
  esac
  if [ -f "$file" ]; then
    sed -i -e 's/"CAP_SYS_RESOURCE" *, *//g' -e 's/, *"CAP_SYS_RESOURCE"//g' "$file"
  fi
  previous=$argument
done
exec runc "$@"
EOF
  chmod 755 "$1"
}

running() {
  [[ -r $pidfile && $(cat "/proc/$(<"$pidfile")/comm" 2>/dev/null) == dockerd ]]
}

stop() {
  if ! running; then
    echo "docker: no engine was started by this script"
    return
  fi
  local pid
  pid=$(<"$pidfile")
  kill "$pid"
  # dockerd stops its containers first, ten seconds each at most.
  for _ in {1..120}; do
    running || break
    sleep 0.5
  done
  running && die "dockerd (pid $pid) has not ended after 60 s: see $log"
  rm -f "$pidfile"
  echo "docker: stopped"
}

warn() { echo "docker: warning: $*" >&2; }

die() {
  echo "docker: $*" >&2
  exit 1
}

fail_with() {
  tail -n 20 "$2" >&2
  die "$1: see $2"
}

[[ ${BASH_SOURCE[0]} != "$0" ]] || main "$@"
