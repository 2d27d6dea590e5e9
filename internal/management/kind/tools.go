// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-log/tflog"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
	"sigs.k8s.io/kind/pkg/cluster"
	"sigs.k8s.io/kind/pkg/cluster/nodeutils"
	kindexec "sigs.k8s.io/kind/pkg/exec"
)

// Tools are this package's ways to the outside. There is one in kindtest for
// tests. Errors are told apart by their text alone, which is what docker printed.
type Tools interface {
	// Docker runs the docker command with the standard input stdin, and returns
	// what it printed. The error says how it ended, not why: stderr does.
	Docker(ctx context.Context, stdin []byte, args ...string) (stdout, stderr []byte, err error)
	// Pull pulls an image, which may take minutes.
	Pull(ctx context.Context, image string) error
	// CreateCluster makes a cluster with KinD's library, which ignores that ctx ends.
	// The nodes of a creation that fails stay.
	CreateCluster(ctx context.Context, config *v1alpha4.Cluster) error
	// LoadImageArchive loads a docker-archive into a node of a cluster with KinD's
	// library, which ignores that ctx ends.
	LoadImageArchive(ctx context.Context, cluster, node string, archive io.Reader) error
}

// tools are the docker command on the PATH and KinD's library, which runs it, too.
type tools struct{}

// killDelay is for a killed docker command's plugins, which may hold its pipes.
const killDelay = time.Second

func (tools) Docker(ctx context.Context, stdin []byte, args ...string) ([]byte, []byte, error) {
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.WaitDelay = killDelay
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &stdout, &stderr
	err := cmd.Run()
	return stdout.Bytes(), stderr.Bytes(), err
}

func (tools) Pull(ctx context.Context, image string) error {
	cmd := exec.CommandContext(ctx, "docker", "pull", image)
	cmd.WaitDelay = killDelay
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	progress, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	for lines := bufio.NewScanner(progress); lines.Scan(); {
		tflog.Info(ctx, lines.Text(), map[string]any{"image": image})
	}
	if err := cmd.Wait(); err != nil {
		return errors.Join(ctx.Err(), fmt.Errorf("%w: %s", err, digest(stderr.String())))
	}
	return nil
}

// provider is made per call: it is cheap, and it logs in the call's context.
func provider(ctx context.Context) *cluster.Provider {
	return cluster.NewProvider(cluster.ProviderWithLogger(logger{ctx: ctx}), cluster.ProviderWithDocker())
}

func (tools) CreateCluster(ctx context.Context, config *v1alpha4.Cluster) error {
	// Given no file, KinD writes to the user's own kubeconfig.
	directory, err := os.MkdirTemp("", "terraform-provider-capi-")
	if err != nil {
		return fmt.Errorf("cannot make a directory for KinD's kubeconfig: %w", err)
	}
	defer func() { _ = os.RemoveAll(directory) }()
	return explain(provider(ctx).Create(config.Name,
		cluster.CreateWithV1Alpha4Config(config),
		cluster.CreateWithKubeconfigPath(filepath.Join(directory, "kubeconfig")),
		cluster.CreateWithRetain(true),
		cluster.CreateWithDisplayUsage(false),
		cluster.CreateWithDisplaySalutation(false),
	))
}

func (tools) LoadImageArchive(ctx context.Context, cluster, node string, archive io.Reader) error {
	all, err := provider(ctx).ListNodes(cluster)
	if err != nil {
		return explain(err)
	}
	for _, n := range all {
		if n.String() == node {
			return explain(nodeutils.LoadImageArchive(n, archive))
		}
	}
	return fmt.Errorf("node %s does not exist any more", node)
}

// explain adds what a failed command printed to an error of KinD's library,
// which keeps it apart.
func explain(err error) error {
	runError := kindexec.RunErrorForError(err)
	if runError == nil {
		return err
	}
	output := strings.TrimSpace(string(runError.Output))
	if output == "" {
		return err
	}
	return fmt.Errorf("%w\n%s", err, digest(output))
}
