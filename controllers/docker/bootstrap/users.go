// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package bootstrap

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/cloudinit"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

//go:embed node/user.sh
var userScript []byte

// userFiles are the users for the script that makes them. They hold password hashes.
func userFiles(users []cloudinit.User) []container.File {
	if len(users) == 0 {
		return nil
	}
	files := make([]container.File, 0, len(users)+1)
	for i, user := range users {
		files = append(files, private(fmt.Sprintf("users/%03d-%s", i, user.Name), []byte(userVariables(user))))
	}
	return append(files, private("user.sh", userScript))
}

// userVariables is the user as the script's variables.
func userVariables(user cloudinit.User) string {
	lock := ""
	if user.LockPassword {
		lock = "yes"
	}
	return lines([]string{
		"name=" + quote(user.Name),
		"options=(" + quote(userOptions(user)...) + ")",
		"primary_group=" + quote(user.PrimaryGroup),
		"groups=" + quote(strings.Join(user.Groups, ",")),
		"password=" + quote(user.Password),
		"lock=" + quote(lock),
		"sudo=(" + quote(user.Sudo...) + ")",
		"keys=(" + quote(user.SSHAuthorizedKeys...) + ")",
	})
}

// userOptions are what useradd and usermod call the same.
func userOptions(user cloudinit.User) []string {
	var options []string
	for _, option := range []struct{ flag, value string }{
		{"--comment", user.Gecos},
		{"-d", user.HomeDir},
		{"--shell", user.Shell},
		{"--gid", user.PrimaryGroup},
	} {
		if option.value != "" {
			options = append(options, option.flag, option.value)
		}
	}
	if user.Inactive {
		// cloud-init only understands a number of days here and ignores what Cluster API has, a boolean. An
		// account that has expired is what Cluster API's documentation says.
		options = append(options, "--expiredate", "1970-01-02")
	}
	return options
}
