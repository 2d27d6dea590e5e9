#!/bin/bash
# Copyright The terraform-provider-capi Authors.
# SPDX-License-Identifier: Apache-2.0

# Makes the user that the file $1 describes, as cloud-init would; a user that exists already becomes as described.
# It can be repeated. Hashes and keys stay out of arguments, which everybody could see, and out of what is written
# to the log.
#
#   name, options               the user, and options that useradd and usermod share
#   primary_group, groups       groups to be made unless they exist; groups are separated by commas
#   password, lock              a hash, and whether to lock it
#   sudo, keys                  lines of a sudoers file, and of authorized_keys

set -o nounset -o pipefail -o errexit
declare name primary_group groups password lock
declare -a options sudo keys
# shellcheck source=/dev/null
. "$1"

# add_group GROUP
add_group() {
  getent group "$1" >/dev/null || groupadd "$1"
}

# add_lines FILE LINE...: adds lines that the file lacks. The new file has no rights of others before it has them.
add_lines() {
  local file=$1
  shift
  (
    umask 077
    { if [ -e "$file" ]; then cat "$file"; fi; printf '%s\n' "$@"; } | awk '!seen[$0]++' >"$file.new"
  )
}

add_account() {
  if [ -n "$primary_group" ]; then add_group "$primary_group"; fi
  if ! getent passwd "$name" >/dev/null; then
    useradd --create-home "${options[@]}" "$name"
  elif [ "${#options[@]}" != 0 ]; then
    usermod "${options[@]}" "$name"
  fi
  # Only now: a group of the user's own name is made by useradd.
  if [ -n "$groups" ]; then
    local group
    for group in ${groups//,/ }; do add_group "$group"; done
    usermod --append --groups "$groups" "$name"
  fi
}

set_password() {
  if [ -n "$password" ]; then printf '%s:%s\n' "$name" "$password" | chpasswd --encrypted; fi
  if [ -n "$lock" ]; then usermod --lock "$name"; fi
}

add_sudo() {
  # The name that cloud-init gives to this file. sudo ignores names with dots, as users may have.
  local file=/etc/sudoers.d/90-cloud-init-users
  [ -d /etc/sudoers.d ] || install -d -m 0750 /etc/sudoers.d
  add_lines "$file" "${sudo[@]/#/"$name "}"
  chmod 0440 "$file.new"
  if command -v visudo >/dev/null; then
    visudo --check --quiet --file="$file.new"
  else
    echo "This node image has no sudo; $name can use it once it is installed."
  fi
  mv "$file.new" "$file"
}

add_keys() {
  local group file
  group=$(id --group --name "$name")
  file=$(getent passwd "$name" | cut -d: -f6)/.ssh/authorized_keys
  install -d -m 0700 -o "$name" -g "$group" "${file%/*}"
  add_lines "$file" "${keys[@]}"
  chown "$name:$group" "$file.new"
  mv "$file.new" "$file"
}

add_account
set_password
if [ "${#sudo[@]}" != 0 ]; then add_sudo; fi
if [ "${#keys[@]}" != 0 ]; then add_keys; fi
