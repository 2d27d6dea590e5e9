// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudinit

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	bootstrapv1 "sigs.k8s.io/cluster-api/api/bootstrap/kubeadm/v1beta2"
)

// ValidateKubeadmConfig returns what Parse would refuse about the cloud-config that Cluster API's kubeadm bootstrap
// provider writes for the spec, as far as the spec tells: content that comes from Secrets is not known.
func ValidateKubeadmConfig(path *field.Path, spec bootstrapv1.KubeadmConfigSpec) field.ErrorList {
	var errs field.ErrorList
	if spec.Format != "" && spec.Format != bootstrapv1.CloudConfig {
		errs = append(errs, field.NotSupported(path.Child("format"), spec.Format, []bootstrapv1.Format{bootstrapv1.CloudConfig}))
	}
	for _, d := range []struct {
		path      *field.Path
		directive string
		present   bool
	}{
		{path.Child("ntp"), "ntp", spec.NTP.IsDefined() && ptr.Deref(spec.NTP.Enabled, true)},
		{path.Child("diskSetup", "partitions"), "disk_setup", len(spec.DiskSetup.Partitions) > 0},
		{path.Child("diskSetup", "filesystems"), "fs_setup", len(spec.DiskSetup.Filesystems) > 0},
		{path.Child("mounts"), "mounts", len(spec.Mounts) > 0},
	} {
		if d.present {
			errs = append(errs, field.Forbidden(d.path, "is not supported by the Docker infrastructure provider: "+unsupportedDirectives[d.directive]))
		}
	}
	errs = append(errs, validateFiles(path.Child("files"), spec.Files)...)
	errs = append(errs, validateUsers(path.Child("users"), spec.Users)...)
	errs = append(errs, validateCommands(path.Child("bootCommands"), spec.BootCommands)...)
	errs = append(errs, validateCommands(path.Child("preKubeadmCommands"), spec.PreKubeadmCommands)...)
	return append(errs, validateCommands(path.Child("postKubeadmCommands"), spec.PostKubeadmCommands)...)
}

func validateCommands(path *field.Path, commands []string) field.ErrorList {
	var errs field.ErrorList
	for i, command := range commands {
		if command == "" {
			errs = append(errs, field.Required(path.Index(i), "must be a command"))
		}
	}
	return errs
}

func validateFiles(path *field.Path, files []bootstrapv1.File) field.ErrorList {
	var errs field.ErrorList
	for i, file := range files {
		written := writeFile{Path: file.Path, Owner: file.Owner, Permissions: file.Permissions, Content: file.Content}
		if file.Content != "" {
			written.Encoding = string(file.Encoding)
		}
		if _, err := written.decode(); err != nil {
			errs = append(errs, field.Invalid(path.Index(i), field.OmitValueType{}, err.Error()))
		}
	}
	return errs
}

func validateUsers(path *field.Path, users []bootstrapv1.User) field.ErrorList {
	var errs field.ErrorList
	for i, u := range users {
		made := user{Name: u.Name, Gecos: u.Gecos, HomeDir: u.HomeDir, Shell: u.Shell, PrimaryGroup: u.PrimaryGroup, SSHAuthorizedKeys: u.SSHAuthorizedKeys}
		if u.Groups != "" {
			made.Groups = stringList{u.Groups}
		}
		if u.Sudo != "" {
			made.Sudo = stringList{u.Sudo}
		}
		if _, err := made.decode(); err != nil {
			errs = append(errs, field.Invalid(path.Index(i), field.OmitValueType{}, fmt.Sprintf("user %q: %s", u.Name, err)))
		}
	}
	return errs
}
