// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-log/tflog"
)

var (
	// ErrDockerUnreachable means that the docker command is missing or that the
	// engine behind it does not answer.
	ErrDockerUnreachable = errors.New("Docker is not reachable")
	// errNoContainer means that the engine answered that it has no such container.
	errNoContainer = errors.New("no such container")
	// errNameInUse means that another container has the name.
	errNameInUse = errors.New("the container name is in use")
	// errImage means that a node image is neither here nor could it be pulled.
	errImage = errors.New("failed to pull image")
)

// queryTimeout bounds a single question to the engine, which takes it
// milliseconds: a hanging engine must not hang a plan.
const queryTimeout = 20 * time.Second

// changeTimeout bounds a single docker command that changes something. Removing a node
// with its volumes takes seconds, and minutes where the disk is slow.
const changeTimeout = 5 * time.Minute

// query runs a docker command that changes nothing.
func (c *Clusters) query(ctx context.Context, args ...string) ([]byte, error) {
	return c.runWithin(ctx, queryTimeout, nil, args...)
}

// run runs a docker command that changes something.
func (c *Clusters) run(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	return c.runWithin(ctx, changeTimeout, stdin, args...)
}

func (c *Clusters) runWithin(ctx context.Context, timeout time.Duration, stdin []byte, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	began := time.Now()
	stdout, stderr, err := c.tools.Docker(ctx, stdin, args...)
	if err != nil {
		return nil, dockerError(ctx, time.Since(began), args[0], strings.TrimSpace(string(stderr)), err)
	}
	return stdout, nil
}

func dockerError(ctx context.Context, took time.Duration, command, stderr string, err error) error {
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("%w: there is no docker command on the PATH", ErrDockerUnreachable)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("%w: docker %s did not answer within %s", ErrDockerUnreachable, command, took.Round(time.Second))
	case ctx.Err() != nil:
		return fmt.Errorf("docker %s: %w", command, ctx.Err())
	case strings.Contains(stderr, "is already in use by container"):
		return fmt.Errorf("docker %s: %w: %s", command, errNameInUse, stderr)
	// The one before the colon is followed by "path" where a file is missing.
	case strings.Contains(stderr, "No such container: "):
		return fmt.Errorf("docker %s: %w: %s", command, errNoContainer, stderr)
	default:
		return recognize(fmt.Errorf("docker %s: %w: %s", command, err, stderr))
	}
}

// recognize makes an error ErrDockerUnreachable that says so. Neither the docker
// command nor KinD's library has anything but words for that.
func recognize(err error) error {
	if err == nil || errors.Is(err, ErrDockerUnreachable) {
		return err
	}
	for _, text := range []string{
		"Cannot connect to the Docker daemon",
		"failed to connect to the docker API",
		"error during connect",
		"permission denied while trying to connect",
	} {
		if strings.Contains(err.Error(), text) {
			return fmt.Errorf("%w: %w", ErrDockerUnreachable, err)
		}
	}
	return err
}

// Engine is what matters about the Docker engine for running nodes in it.
type Engine struct {
	// ID is the engine's own id, which it keeps when it restarts.
	ID string `json:"ID"`
	// CgroupVersion is 1 or 2.
	CgroupVersion string `json:"CgroupVersion"`
	// OperatingSystem is the name of the system that runs the engine.
	OperatingSystem string `json:"OperatingSystem"`
	// ServerVersion is the version of the engine.
	ServerVersion string `json:"ServerVersion"`
	// MemTotal is the memory of the machine that runs the engine, in bytes; 0 if
	// the engine does not say.
	MemTotal int64 `json:"MemTotal"`
	// SystemTime is the engine's clock.
	SystemTime time.Time `json:"SystemTime"`
}

// Engine asks the Docker engine what it is. The error is ErrDockerUnreachable
// if it does not answer.
func (c *Clusters) Engine(ctx context.Context) (Engine, error) {
	var engine Engine
	out, err := c.query(ctx, "info", "--format", "{{json .}}")
	if err != nil {
		return engine, err
	}
	if err := json.Unmarshal(out, &engine); err != nil {
		return engine, fmt.Errorf("cannot read the answer of docker info: %w", err)
	}
	// Some versions of the command exit with 0 and say it in the answer.
	if engine.ServerVersion == "" {
		return engine, fmt.Errorf("%w: docker info names no engine", ErrDockerUnreachable)
	}
	return engine, nil
}

// ensureImage pulls an image that the engine does not have. KinD would do it too,
// but could not be stopped then.
func (c *Clusters) ensureImage(ctx context.Context, image string) error {
	if _, err := c.query(ctx, "image", "inspect", "--format", "{{.Id}}", image); err == nil {
		return nil
	}
	tflog.Info(ctx, "pulling the node image", map[string]any{"image": image})
	if err := c.tools.Pull(ctx, image); err != nil {
		return fmt.Errorf("%w %s: %w", errImage, image, recognize(err))
	}
	return nil
}
