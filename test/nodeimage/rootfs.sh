#!/usr/bin/env bash
# Copyright The terraform-provider-capi Authors.
# SPDX-License-Identifier: Apache-2.0
#
# Makes a kind node of the Debian in folder $1. $2 holds kind's own files for it: entrypoint, units, configuration.
set -euo pipefail

root=$1
files=$2

cp -r --no-preserve=all "$files/." "$root/"
chmod 755 "$root"/usr/local/bin/* "$root"/kind/bin/*

# Only what a node needs may start: no consoles, timers, udev or tmpfiles set-up at boot.
rm -rf "$root"/etc/systemd/system/*.wants/* \
  "$root"/lib/systemd/system/{multi-user,local-fs,basic}.target.wants/* \
  "$root"/lib/systemd/system/sockets.target.wants/*{udev,initctl}* \
  "$root"/lib/systemd/system/sysinit.target.wants/systemd-tmpfiles-setup.service
for unit in containerd kubelet undo-mount-hacks; do
  chroot "$root" systemctl --quiet enable "$unit.service"
done
# It would register formats with the kernel, which all containers share.
chroot "$root" systemctl --quiet mask systemd-binfmt.service
echo "ReadKMsg=no" >>"$root/etc/systemd/journald.conf"
ln -sf /usr/lib/systemd/systemd "$root/sbin/init"

# Lowering the OOM score needs CAP_SYS_RESOURCE, which sandboxes take away even from privileged containers:
# containerd would not start, and after that no pod.
sed -i '/^OOMScoreAdjust=/d' "$root/etc/systemd/system/containerd.service"
sed -i 's/restrict_oom_score_adj = false/restrict_oom_score_adj = true/' "$root/etc/containerd/config.toml"

mkdir -p "$root/opt/cni/bin" "$root/etc/kubernetes/manifests" "$root/etc/cni/net.d"
mv "$root"/usr/lib/cni/{bridge,host-local,loopback,portmap,ptp} "$root/opt/cni/bin/"

# Each node is a copy: leave out what nobody runs in one. Perl's modules come with openssl, for one script.
rm -rf "$root"/usr/lib/cni "$root"/usr/share/{doc,info,locale,man,perl,zoneinfo,zsh,bash-completion} \
  "$root"/usr/lib/x86_64-linux-gnu/{perl,libperl.so*,gconv} "$root"/usr/lib/aarch64-linux-gnu/{perl,libperl.so*,gconv} \
  "$root"/usr/lib/udev/hwdb.d "$root"/usr/lib/systemd/catalog "$root"/usr/bin/perl5* \
  "$root"/var/cache/* "$root"/var/log/* "$root"/var/lib/apt/lists/* "$root"/var/lib/dpkg/*-old
