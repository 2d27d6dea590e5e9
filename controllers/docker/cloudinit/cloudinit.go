// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cloudinit reads the cloud-config documents that Cluster API's kubeadm bootstrap provider writes.
//
// It is strict: a directive that it does not know, or that cannot be done in a container, is an error and not
// silence, because a node that lacks half of its configuration fails much later and without a trace.
package cloudinit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	header      = "#cloud-config"
	jinjaHeader = "## template: jinja"
)

// Config is what a cloud-config document asks for, in the order in which cloud-init does it, whatever the order in
// the document.
type Config struct {
	// BootCommands run first.
	BootCommands []Command
	// Files are written next. Users find what they give to new users, as in /etc/skel; on the other hand, files
	// cannot be owned by these users.
	Files []File
	// Users are made next.
	Users []User
	// Commands run last.
	Commands []Command
}

// Command is a shell script or a program with its arguments.
type Command struct {
	// Shell is a script for /bin/sh. Exactly one of Shell and Args is set.
	Shell string
	// Args are a program and its arguments.
	Args []string
}

// String is the command as a person would type it.
func (c Command) String() string {
	if c.Shell != "" {
		return c.Shell
	}
	return strings.Join(c.Args, " ")
}

// document has the directives that are understood. Those that are of type unsupported are known, but cannot be
// done in a container.
type document struct {
	BootCommands commandList `yaml:"bootcmd"`
	Files        []writeFile `yaml:"write_files"`
	Users        []user      `yaml:"users"`
	Commands     commandList `yaml:"runcmd"`
	NTP          ntp         `yaml:"ntp"`
	DiskSetup    unsupported `yaml:"disk_setup"`
	FSSetup      unsupported `yaml:"fs_setup"`
	Mounts       unsupported `yaml:"mounts"`
}

// ntp remembers that somebody wants NTP. That it is not wanted is easily done.
type ntp bool

// UnmarshalYAML implements yaml.Unmarshaler.
func (n *ntp) UnmarshalYAML(node *yaml.Node) error {
	settings := struct{ Enabled *bool }{}
	if err := node.Decode(&settings); err != nil {
		return err
	}
	*n = ntp(settings.Enabled == nil || *settings.Enabled)
	return nil
}

// unsupported remembers that a directive was there.
type unsupported bool

// UnmarshalYAML implements yaml.Unmarshaler.
func (u *unsupported) UnmarshalYAML(*yaml.Node) error {
	*u = true
	return nil
}

// unsupportedDirectives tell why a directive cannot be done in a container, and what to do instead.
var unsupportedDirectives = map[string]string{
	"ntp":        "containers have the clock of the Docker host; set the time there",
	"disk_setup": "containers have no disks",
	"fs_setup":   "containers have no disks",
	"mounts":     "use extraMounts of the DockerMachine",
}

// reasons are the errors for unsupported directives.
func (d document) reasons() []error {
	var errs []error
	for _, directive := range []struct {
		name    string
		present unsupported
	}{
		{"ntp", unsupported(d.NTP)},
		{"disk_setup", d.DiskSetup},
		{"fs_setup", d.FSSetup},
		{"mounts", d.Mounts},
	} {
		if directive.present {
			errs = append(errs, fmt.Errorf("%s is not supported by the Docker infrastructure provider: %s", directive.name, unsupportedDirectives[directive.name]))
		}
	}
	return errs
}

// commandList is a list of commands. The decoder would leave out those that are null.
type commandList []Command

// UnmarshalYAML implements yaml.Unmarshaler.
func (l *commandList) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.SequenceNode {
		return fmt.Errorf("line %d: commands must be a list", node.Line)
	}
	for _, item := range node.Content {
		var command Command
		if err := command.UnmarshalYAML(item); err != nil {
			return err
		}
		*l = append(*l, command)
	}
	return nil
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (c *Command) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	switch node.Kind {
	case yaml.ScalarNode:
		if err := node.Decode(&c.Shell); err != nil || c.Shell == "" {
			return fmt.Errorf("line %d: an empty command", node.Line)
		}
		return nil
	case yaml.SequenceNode:
		if err := node.Decode(&c.Args); err != nil || len(c.Args) == 0 || c.Args[0] == "" {
			return fmt.Errorf("line %d: a command must be a string or a list of strings that starts with a program", node.Line)
		}
		return nil
	default:
		return fmt.Errorf("line %d: a command must be a string or a list of strings", node.Line)
	}
}

// Parse reads a cloud-config document. Expressions of the jinja template language for the instance's host name
// and id are replaced with instance if the document says that it is a template; others are left as they are.
func Parse(data []byte, instance string) (*Config, error) {
	data, err := body(data, instance)
	if err != nil {
		return nil, err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	var doc document
	if err := decoder.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("the cloud-config is not understood: %w", describe(err))
	}
	if err := decoder.Decode(&yaml.Node{}); !errors.Is(err, io.EOF) {
		return nil, errors.New("the cloud-config has more than one YAML document")
	}
	errs := doc.reasons()
	config := &Config{BootCommands: doc.BootCommands, Commands: doc.Commands}
	for i, file := range doc.Files {
		decoded, err := file.decode()
		if err != nil {
			errs = append(errs, fmt.Errorf("write_files[%d] (%s): %w", i, file.Path, err))
			continue
		}
		config.Files = append(config.Files, decoded)
	}
	for i, user := range doc.Users {
		decoded, err := user.decode()
		if err != nil {
			errs = append(errs, fmt.Errorf("users[%d]: %w", i, err))
			continue
		}
		config.Users = append(config.Users, decoded)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("the cloud-config cannot be used: %w", err)
	}
	return config, nil
}

// describe rewords the decoder's messages: those about unknown fields name a type of this package, and those about types
// quote the value, which may be a password.
func describe(err error) error {
	var typeError *yaml.TypeError
	if !errors.As(err, &typeError) {
		return err
	}
	messages := make([]string, len(typeError.Errors))
	for i, message := range typeError.Errors {
		messages[i] = unknownField.ReplaceAllString(quotedValue.ReplaceAllString(message, ""), "unknown directive $1")
	}
	return errors.New(strings.Join(messages, "; "))
}

func isTypeError(err error) bool {
	var typeError *yaml.TypeError
	return errors.As(err, &typeError)
}

var (
	unknownField = regexp.MustCompile(`field (\S+) not found in type \S+`)
	quotedValue  = regexp.MustCompile("(?s) `.*`")
)

// instanceExpressions are what templates use to name the node after the machine.
var instanceExpressions = regexp.MustCompile(`\{\{\s*(ds\.meta_data\.(local_hostname|hostname|instance_id)|v1\.(local_hostname|instance_id))\s*\}\}`)

// body checks and removes the header lines.
func body(data []byte, instance string) ([]byte, error) {
	rest := bytes.TrimLeft(data, "\n")
	if line, after, _ := bytes.Cut(rest, []byte("\n")); string(bytes.TrimSpace(line)) == jinjaHeader {
		rest = instanceExpressions.ReplaceAllLiteral(after, []byte(instance))
	}
	if line, _, _ := bytes.Cut(rest, []byte("\n")); string(bytes.TrimSpace(line)) != header {
		return nil, fmt.Errorf("the bootstrap data is not cloud-config: it does not start with %q", header)
	}
	return rest, nil
}
