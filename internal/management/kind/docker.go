// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-log/tflog"
	kindexec "sigs.k8s.io/kind/pkg/exec"
)

// ErrDockerUnreachable means that the docker command is missing or that the
// engine behind it does not answer.
var ErrDockerUnreachable = errors.New("Docker is not reachable") //nolint:staticcheck // Docker is a name.

// queryTimeout bounds a single question to the engine, which takes it
// milliseconds: a hanging engine must not hang a plan.
const queryTimeout = 20 * time.Second

// command runs docker with the given arguments and returns its standard output.
type command func(ctx context.Context, args ...string) ([]byte, error)

func runDocker(ctx context.Context, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "docker", args...)
	// A killed docker command may leave its plugins holding the pipes.
	cmd.WaitDelay = time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err == nil {
		return out, nil
	}
	return nil, dockerError(ctx, args, strings.TrimSpace(stderr.String()), err)
}

func dockerError(ctx context.Context, args []string, stderr string, err error) error {
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("%w: there is no docker command on the PATH", ErrDockerUnreachable)
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("%w: docker %s did not answer in time", ErrDockerUnreachable, args[0])
	case ctx.Err() != nil:
		return fmt.Errorf("docker %s: %w", args[0], ctx.Err())
	case isDaemonError(stderr):
		return fmt.Errorf("%w: %s", ErrDockerUnreachable, stderr)
	default:
		return fmt.Errorf("docker %s: %w: %s", args[0], err, stderr)
	}
}

// isDaemonError recognises how the docker command says that it could not talk
// to its engine. It has no exit code for that.
func isDaemonError(output string) bool {
	for _, text := range []string{
		"Cannot connect to the Docker daemon",
		"failed to connect to the docker API",
		"error during connect",
		"permission denied while trying to connect",
	} {
		if strings.Contains(output, text) {
			return true
		}
	}
	return false
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
}

// Engine asks the Docker engine what it is. The error is ErrDockerUnreachable
// if it does not answer.
func (c *Clusters) Engine(ctx context.Context) (Engine, error) {
	var engine Engine
	out, err := c.docker(ctx, "info", "--format", "{{json .}}")
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

// errImage means that a node image is neither here nor could it be pulled.
var errImage = errors.New("failed to pull image")

// ensureImage pulls an image that the engine does not have. KinD would do it too,
// but could not be stopped then.
func (c *Clusters) ensureImage(ctx context.Context, image string) error {
	if _, err := c.docker(ctx, "image", "inspect", "--format", "{{.Id}}", image); err == nil {
		return nil
	}
	tflog.Info(ctx, "pulling the node image", map[string]any{"image": image})
	cmd := exec.CommandContext(ctx, "docker", "pull", image)
	cmd.WaitDelay = time.Second
	var output bytes.Buffer
	cmd.Stderr = &output
	progress, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("%w %s: %w", errImage, image, err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%w %s: %w", errImage, image, err)
	}
	for lines := bufio.NewScanner(progress); lines.Scan(); {
		tflog.Info(ctx, lines.Text(), map[string]any{"image": image})
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%w %s: %w", errImage, image, errors.Join(ctx.Err(), dockerError(ctx, cmd.Args[1:], digest(output.String()), err)))
	}
	return nil
}

// HasDockerSocket says whether into any of the cluster's nodes something is
// mounted where the engine's socket is expected. The error is ErrNotFound if
// there is no such cluster.
func (c *Clusters) HasDockerSocket(ctx context.Context, name string) (bool, error) {
	nodes, err := c.mustFind(ctx, name)
	if err != nil {
		return false, err
	}
	out, err := c.docker(ctx, append([]string{"inspect", "--format", "{{range .Mounts}}{{println .Destination}}{{end}}"}, ids(nodes)...)...)
	return slices.Contains(strings.Fields(string(out)), DockerSocket), err
}

// explain adds what a failed command printed to an error of KinD's library,
// which keeps it apart, and recognises an unreachable engine.
func explain(err error) error {
	runError := kindexec.RunErrorForError(err)
	if runError == nil {
		return err
	}
	output := strings.TrimSpace(string(runError.Output))
	if isDaemonError(output) {
		return fmt.Errorf("%w: %s", ErrDockerUnreachable, output)
	}
	if output == "" {
		return err
	}
	return fmt.Errorf("%w\n%s", err, digest(output))
}

// outputLines is how much of a command's output goes into an error.
const outputLines = 25

var (
	ansiSequence   = regexp.MustCompile("\x1b\\[[0-9;]*m")
	stackFrame     = regexp.MustCompile(`^\t.*\.(go|s):\d+$`)
	verboseLogging = regexp.MustCompile(`^I\d{4} `)
)

// digest is the end of a command's output without what hides the reason in it:
// colours, and the progress and the stack trace that kubeadm prints around an error because KinD
// asks it to be verbose.
func digest(output string) string {
	var lines []string
	for line := range strings.Lines(ansiSequence.ReplaceAllString(output, "")) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case verboseLogging.MatchString(line), strings.TrimSpace(line) == "":
		case stackFrame.MatchString(line):
			// The line before names the frame's function.
			lines = lines[:max(len(lines)-1, 0)]
		default:
			lines = append(lines, line)
		}
	}
	return strings.Join(lines[max(len(lines)-outputLines, 0):], "\n")
}
