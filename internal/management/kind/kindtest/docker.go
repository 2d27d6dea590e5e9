// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kindtest

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"path"
	"slices"
	"strings"
	"text/template"
	"time"
)

var errExit = errors.New("exit status 1")

// Docker runs a docker command.
func (e *Engine) Docker(ctx context.Context, stdin []byte, args ...string) (stdout, stderr []byte, err error) {
	return e.dockerFor(ctx, nobody, stdin, args)
}

// nobody is a process that is never killed.
var nobody = &Process{calls: -1}

func (e *Engine) dockerFor(ctx context.Context, p *Process, stdin []byte, args []string) (stdout, stderr []byte, err error) {
	err = e.call(ctx, p, "docker "+strings.Join(args, " "), func() error {
		stdout, err = e.command(stdin, args)
		return err
	})
	if err != nil {
		return nil, []byte(err.Error()), errExit
	}
	return stdout, nil, nil
}

// call makes a call of a process, which has an effect on the engine.
func (e *Engine) call(ctx context.Context, p *Process, words string, effect func() error) error {
	if err := p.enter(words); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if e.Before != nil {
		if err := e.Before(words); err != nil {
			return err
		}
	}
	if err := e.affect(words, effect); err != nil {
		return err
	}
	if e.After != nil {
		return e.After(words)
	}
	return nil
}

func (e *Engine) affect(words string, effect func() error) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls = append(e.calls, words)
	if e.down {
		return errors.New("Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?") //nolint:staticcheck // Docker's words.
	}
	return effect()
}

// command has those commands that package kind uses, with the options that it uses.
func (e *Engine) command(stdin []byte, args []string) ([]byte, error) {
	flags, operands := parse(args)
	switch args[0] {
	case "info":
		return render(flags.get("format"), map[string]any{
			"ID": e.id, "CgroupVersion": "2", "OperatingSystem": "Test", "ServerVersion": "28.5.2", "SystemTime": e.now().Format(time.RFC3339Nano),
		})
	case "context":
		return []byte(cmp.Or(e.Endpoint, "unix:///var/run/docker.sock") + "\n"), nil
	case "image":
		if image := operands[len(operands)-1]; !e.images[image] {
			return nil, fmt.Errorf("Error response from daemon: No such image: %s", image) //nolint:staticcheck // Docker's words.
		}
		return []byte("sha256:1\n"), nil
	case "ps":
		return e.ps(flags)
	case "create":
		return e.create(flags, operands)
	case "cp":
		return e.cp(stdin, operands)
	case "rename":
		return nil, e.rename(operands[0], operands[1])
	}
	c, err := e.find(operands[0])
	if err != nil {
		// Removing by force what does not exist succeeds, as far as the exit code goes.
		if _, force := flags["force"]; force {
			return nil, nil
		}
		return nil, err
	}
	switch args[0] {
	case "inspect":
		return json.Marshal([]any{c.inspection()})
	case "rm":
		e.containers = slices.DeleteFunc(e.containers, func(other *Container) bool { return other == c })
	case "start":
		c.State = "running"
	case "unpause":
		if c.State != "paused" {
			return nil, fmt.Errorf("Error response from daemon: Container %s is not paused", c.ID) //nolint:staticcheck // Docker's words.
		}
		c.State = "running"
	case "logs":
	case "exec":
		return c.exec(operands[1:])
	default:
		return nil, fmt.Errorf("docker: '%s' is not a docker command", args[0])
	}
	return nil, nil
}

// options are flags with their values.
type options map[string][]string

func (o options) get(name string) string {
	if len(o[name]) == 0 {
		return ""
	}
	return o[name][0]
}

// parse takes arguments apart: flags up to the first operand.
func parse(args []string) (options, []string) {
	flags, switches := options{}, []string{"all", "no-trunc", "force", "volumes"}
	for i := 1; i < len(args); i++ {
		name, ok := strings.CutPrefix(args[i], "--")
		switch {
		case !ok && (args[0] == "image" || args[0] == "context") && i == 1:
		case !ok:
			return flags, args[i:]
		case slices.Contains(switches, name):
			flags[name] = append(flags[name], "")
		case strings.Contains(name, "="):
			name, value, _ := strings.Cut(name, "=")
			flags[name] = append(flags[name], value)
		default:
			i++
			flags[name] = append(flags[name], args[i])
		}
	}
	return flags, nil
}

func render(format string, data any) ([]byte, error) {
	functions := template.FuncMap{"json": func(v any) (string, error) {
		out, err := json.Marshal(v)
		return string(out), err
	}}
	parsed, err := template.New("format").Funcs(functions).Parse(format)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = parsed.Execute(&out, data)
	out.WriteByte('\n')
	return out.Bytes(), err
}

// row is a container as the template of docker ps sees it.
type row struct {
	ID, Names, State string
	labels           map[string]string
}

func (r row) Label(key string) string { return r.labels[key] }

func (r row) Labels() string {
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(r.labels)) {
		pairs = append(pairs, key+"="+r.labels[key])
	}
	return strings.Join(pairs, ",")
}

func (e *Engine) ps(flags options) ([]byte, error) {
	var out []byte
	for _, c := range e.containers {
		if !c.matches(flags["filter"]) {
			continue
		}
		line, err := render(flags.get("format"), row{ID: c.ID, Names: c.Name, State: c.State, labels: c.Labels})
		if err != nil {
			return nil, err
		}
		out = append(out, line...)
	}
	return out, nil
}

func (c *Container) matches(filters []string) bool {
	for _, filter := range filters {
		key, value, _ := strings.Cut(strings.TrimPrefix(filter, "label="), "=")
		if got, ok := c.Labels[key]; !ok || got != value {
			return false
		}
	}
	return true
}

func (e *Engine) create(flags options, operands []string) ([]byte, error) {
	name := flags.get("name")
	if err := e.checkNew(name, operands[0]); err != nil {
		return nil, err
	}
	labels := map[string]string{}
	for _, label := range flags["label"] {
		key, value, _ := strings.Cut(label, "=")
		labels[key] = value
	}
	return []byte(e.add(Container{Name: name, Image: operands[0], State: "created", Labels: labels}).ID + "\n"), nil
}

func (e *Engine) checkNew(name, image string) error {
	if !e.images[image] {
		return fmt.Errorf("Error response from daemon: No such image: %s", image) //nolint:staticcheck // Docker's words.
	}
	return e.checkName(name)
}

func (e *Engine) checkName(name string) error {
	if c := e.byName(name); c != nil {
		return fmt.Errorf("Error response from daemon: Conflict. The container name \"/%s\" is already in use by container \"%s\". "+ //nolint:staticcheck // Docker's words.
			"You have to remove (or rename) that container to be able to reuse that name.", name, c.ID)
	}
	return nil
}

func (e *Engine) rename(ref, name string) error {
	c, err := e.find(ref)
	if err != nil {
		return err
	}
	if c.Name == name {
		return errors.New("Error response from daemon: Renaming a container with the same name as its current name") //nolint:staticcheck // Docker's words.
	}
	if err := e.checkName(name); err != nil {
		return err
	}
	c.Name = name
	return nil
}

// cp copies CONTAINER:FILE to - or - to CONTAINER:FOLDER, as an archive.
func (e *Engine) cp(stdin []byte, operands []string) ([]byte, error) {
	if operands[0] == "-" {
		ref, folder, _ := strings.Cut(operands[1], ":")
		c, err := e.find(ref)
		if err != nil {
			return nil, err
		}
		return nil, c.extract(folder, tar.NewReader(bytes.NewReader(stdin)))
	}
	ref, file, _ := strings.Cut(operands[0], ":")
	c, err := e.find(ref)
	if err != nil {
		return nil, err
	}
	content, ok := c.Files[file]
	if !ok {
		return nil, fmt.Errorf("Error response from daemon: Could not find the file %s in container %s", file, ref) //nolint:staticcheck // Docker's words.
	}
	var out bytes.Buffer
	archive := tar.NewWriter(&out)
	err = archive.WriteHeader(&tar.Header{Name: path.Base(file), Mode: 0o644, Size: int64(len(content)), Typeflag: tar.TypeReg})
	if err == nil {
		_, err = archive.Write([]byte(content))
	}
	return out.Bytes(), errors.Join(err, archive.Close())
}

func (c *Container) extract(folder string, archive *tar.Reader) error {
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			return err
		}
		c.Files[path.Join(folder, header.Name)] = string(content)
	}
}

func (c *Container) exec(command []string) ([]byte, error) {
	switch {
	case c.State == "paused":
		return nil, fmt.Errorf("Error response from daemon: Container %s is paused, unpause the container before exec", c.Name) //nolint:staticcheck // Docker's words.
	case c.State != "running":
		return nil, fmt.Errorf("Error response from daemon: Container %s is not running", c.ID) //nolint:staticcheck // Docker's words.
	case command[0] == "ctr":
		return []byte(strings.Join(c.Images, "\n")), nil
	default:
		return nil, nil
	}
}

// inspection is a container as docker inspect prints it.
func (c *Container) inspection() any {
	mounts, ports := []any{}, map[string]any{}
	for _, bind := range c.Binds {
		parts := strings.Split(bind, ":")
		mounts = append(mounts, map[string]any{"Source": parts[0], "Destination": parts[1]})
	}
	if host, port, err := net.SplitHostPort(c.APIServer); err == nil {
		ports["6443/tcp"] = []any{map[string]any{"HostIp": host, "HostPort": port}}
	}
	running := c.State == "running" || c.State == "paused"
	published := ports
	if !running {
		published = map[string]any{}
	}
	return map[string]any{
		"Id": c.ID, "Name": "/" + c.Name, "Created": c.Created.Format(time.RFC3339Nano),
		"State":           map[string]any{"Status": c.State, "Running": running, "Paused": c.State == "paused"},
		"Config":          map[string]any{"Image": c.Image, "Labels": c.Labels},
		"HostConfig":      map[string]any{"Binds": c.Binds, "PortBindings": ports},
		"Mounts":          mounts,
		"NetworkSettings": map[string]any{"Ports": published},
	}
}
