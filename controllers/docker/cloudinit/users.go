// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cloudinit

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// User is a user to make.
type User struct {
	// Name of the user.
	Name string
	// Gecos is the comment about the user, such as the full name.
	Gecos string
	// HomeDir is absolute; empty means the system's default.
	HomeDir string
	// Shell is absolute; empty means the system's default.
	Shell string
	// PrimaryGroup is made unless it exists; empty means the system's default.
	PrimaryGroup string
	// Groups are further groups. They are made unless they exist.
	Groups []string
	// Inactive users cannot log in by any means.
	Inactive bool
	// Password is a hash as in /etc/shadow, or empty.
	Password string
	// LockPassword makes the password useless.
	LockPassword bool
	// Sudo are rules of a sudoers file, without the user.
	Sudo []string
	// SSHAuthorizedKeys are lines of an authorized_keys file.
	SSHAuthorizedKeys []string
}

type user struct {
	Name              string     `yaml:"name"`
	Gecos             string     `yaml:"gecos"`
	HomeDir           string     `yaml:"homedir"`
	Shell             string     `yaml:"shell"`
	PrimaryGroup      string     `yaml:"primary_group"`
	Groups            stringList `yaml:"groups"`
	Inactive          bool       `yaml:"inactive"`
	Passwd            string     `yaml:"passwd"`
	LockPasswd        *bool      `yaml:"lock_passwd"`
	Sudo              stringList `yaml:"sudo"`
	SSHAuthorizedKeys stringList `yaml:"ssh_authorized_keys"`
}

// stringList is a list or a single value. Values that are copied to the bootstrap data without quotes may be both.
type stringList []string

// UnmarshalYAML implements yaml.Unmarshaler.
func (l *stringList) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.SequenceNode {
		return node.Decode((*[]string)(l))
	}
	var value string
	if err := node.Decode(&value); err != nil {
		return err
	}
	*l = stringList{value}
	return nil
}

// accountName allows what useradd and groupadd do, and nothing that would mean something to sudo.
var accountName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,31}$`)

// decode checks the user. Passwords and keys are in no error: those end up in conditions.
func (u user) decode() (User, error) {
	out := User{
		Name: u.Name, Gecos: u.Gecos, HomeDir: u.HomeDir, Shell: u.Shell, PrimaryGroup: u.PrimaryGroup,
		Inactive: u.Inactive, Password: u.Passwd, SSHAuthorizedKeys: u.SSHAuthorizedKeys,
		// cloud-init's default, password or not.
		LockPassword: u.LockPasswd == nil || *u.LockPasswd,
	}
	for _, groups := range u.Groups {
		for group := range strings.SplitSeq(groups, ",") {
			out.Groups = append(out.Groups, strings.TrimSpace(group))
		}
	}
	// A cloud-config says with false that there are no rules.
	if len(u.Sudo) != 1 || !strings.EqualFold(u.Sudo[0], "false") {
		out.Sudo = u.Sudo
	}
	return out, out.validate()
}

func (u User) validate() error {
	if !accountName.MatchString(u.Name) {
		return fmt.Errorf("name %q is not a user name: letters, digits, '_', '.' and '-', 32 at most", u.Name)
	}
	groups := u.Groups
	if u.PrimaryGroup != "" {
		groups = append([]string{u.PrimaryGroup}, groups...)
	}
	for _, group := range groups {
		if !accountName.MatchString(group) {
			return fmt.Errorf("group %q is not a group name: letters, digits, '_', '.' and '-', 32 at most", group)
		}
	}
	for _, field := range []struct {
		name, value string
		isPath      bool
	}{
		{"gecos", u.Gecos, false}, {"homedir", u.HomeDir, true}, {"shell", u.Shell, true}, {"passwd", u.Password, false},
	} {
		if strings.ContainsAny(field.value, ":\n\x00") {
			return fmt.Errorf("%s must not contain colons and line breaks: it becomes a field of /etc/passwd or /etc/shadow", field.name)
		}
		if field.isPath && field.value != "" && !path.IsAbs(field.value) {
			return fmt.Errorf("%s %q is not an absolute path", field.name, field.value)
		}
	}
	for _, line := range slices.Concat(u.Sudo, u.SSHAuthorizedKeys) {
		if strings.TrimSpace(line) == "" || strings.ContainsAny(line, "\n\x00") {
			return errors.New("each of sudo and ssh_authorized_keys must be one line")
		}
	}
	return nil
}
