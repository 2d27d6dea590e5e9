// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudinit

import (
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	bootstrapv1 "sigs.k8s.io/cluster-api/api/bootstrap/kubeadm/v1beta2"
)

// What the plan says about a spec is what the node would find wrong about its cloud-config.
func TestValidateKubeadmConfig(t *testing.T) {
	type spec = bootstrapv1.KubeadmConfigSpec
	for name, test := range map[string]struct {
		spec  spec
		field string
		want  string
	}{
		"nothing": {spec{}, "", ""},
		"what works": {spec{
			Format: bootstrapv1.CloudConfig, NTP: bootstrapv1.NTP{Enabled: ptr.To(false)},
			Files: []bootstrapv1.File{
				{Path: "/etc/a", Owner: "root", Permissions: "0600", Encoding: bootstrapv1.Base64, Content: "YQ=="},
				{Path: "/etc/b", Encoding: bootstrapv1.GzipBase64, ContentFrom: bootstrapv1.FileSource{Secret: bootstrapv1.SecretFileSource{Name: "s", Key: "k"}}},
			},
			Users:              []bootstrapv1.User{{Name: "me", Groups: "wheel, docker", Sudo: "ALL=(ALL) NOPASSWD:ALL"}},
			PreKubeadmCommands: []string{"echo"},
		}, "", ""},
		"format":     {spec{Format: bootstrapv1.Ignition}, "spec.format", "cloud-config"},
		"clock":      {spec{NTP: bootstrapv1.NTP{Servers: []string{"a"}}}, "spec.ntp", "clock of the Docker host"},
		"partitions": {spec{DiskSetup: bootstrapv1.DiskSetup{Partitions: []bootstrapv1.Partition{{Device: "/dev/sdb"}}}}, "spec.diskSetup.partitions", "no disks"},
		"file systems": {spec{DiskSetup: bootstrapv1.DiskSetup{Filesystems: []bootstrapv1.Filesystem{{Device: "/dev/sdb"}}}},
			"spec.diskSetup.filesystems", "no disks"},
		"mounts":      {spec{Mounts: []bootstrapv1.MountPoints{{"a", "b"}}}, "spec.mounts", "extraMounts of the DockerMachine"},
		"path":        {spec{Files: []bootstrapv1.File{{Path: "etc/a"}}}, "spec.files[0]", "not a clean absolute path"},
		"permissions": {spec{Files: []bootstrapv1.File{{Path: "/a"}, {Path: "/b", Permissions: "rw"}}}, "spec.files[1]", "not an octal mode"},
		"content":     {spec{Files: []bootstrapv1.File{{Path: "/a", Encoding: bootstrapv1.Base64, Content: "%"}}}, "spec.files[0]", "not base64"},
		"user":        {spec{Users: []bootstrapv1.User{{Name: "1me"}}}, "spec.users[0]", "not a user name"},
		"command":     {spec{PostKubeadmCommands: []string{"echo", ""}}, "spec.postKubeadmCommands[1]", "must be a command"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			errs := ValidateKubeadmConfig(field.NewPath("spec"), test.spec)
			if test.want == "" {
				g.Expect(errs).To(BeEmpty())
				return
			}
			g.Expect(errs).To(HaveLen(1))
			g.Expect(errs[0].Field).To(Equal(test.field))
			g.Expect(errs[0].ErrorBody()).To(ContainSubstring(test.want))
		})
	}
}
