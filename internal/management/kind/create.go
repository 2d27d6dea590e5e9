// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-log/tflog"
	"sigs.k8s.io/kind/pkg/cluster"
	"sigs.k8s.io/kind/pkg/cluster/nodes"
	"sigs.k8s.io/kind/pkg/cluster/nodeutils"
)

// ErrExists means that there is a KinD cluster of that name already.
var ErrExists = errors.New("a KinD cluster of that name exists")

// CreateError says why a cluster could not be made. Nothing of it is left.
type CreateError struct {
	// Cause is KinD's own error, with the output of the command that failed.
	Cause error
	// Remedy says what to do about it, if that is known.
	Remedy string
	// NodeLog is the end of what the node printed, if it started at all.
	NodeLog string
}

func (e *CreateError) Error() string { return e.Cause.Error() }
func (e *CreateError) Unwrap() error { return e.Cause }

const (
	// cleanUpTimeout bounds what happens after a failed or interrupted creation,
	// when the operation's own time is over.
	cleanUpTimeout = time.Minute
	nodeLogLines   = 20
	// recordPath is where a node keeps the configuration that it was made from:
	// parts of it cannot be told from the running cluster.
	recordPath = "/kind/terraform-provider-capi.json"
)

// Create makes a KinD cluster and returns when its API answers. Its node may
// become Ready a little later: what is installed next waits for that anyway.
//
// The error is ErrExists if there is a cluster of that name, which is left alone. Whatever
// else goes wrong, or when ctx ends, what was made is deleted again and a
// *CreateError tells why.
func (c *Clusters) Create(ctx context.Context, config Config) error {
	engine, err := c.Engine(ctx)
	if err != nil {
		return err
	}
	exists, err := c.Exists(ctx, config.Name)
	if err != nil {
		return err
	}
	if exists {
		return fmt.Errorf("%w: %q", ErrExists, config.Name)
	}
	kubeconfigPath, remove, err := scratchKubeconfig()
	if err != nil {
		return err
	}
	defer remove()
	if err := c.ensureImage(ctx, config.NodeImage); err != nil {
		return &CreateError{Cause: err, Remedy: remedy(err, config)}
	}

	created := make(chan error, 1)
	go func() { created <- c.create(ctx, config, engine, kubeconfigPath) }()
	select {
	case err = <-created:
	case <-ctx.Done():
		err = c.interrupt(ctx, config.Name, created)
	}
	if err == nil {
		return nil
	}
	return c.failed(ctx, config, err)
}

// create retains the nodes of a failed creation: their log has to be read first.
func (c *Clusters) create(ctx context.Context, config Config, engine Engine, kubeconfigPath string) error {
	provider := c.provider(ctx)
	err := provider.Create(config.Name,
		cluster.CreateWithV1Alpha4Config(config.toKind(engine)),
		cluster.CreateWithKubeconfigPath(kubeconfigPath),
		cluster.CreateWithRetain(true),
		cluster.CreateWithDisplayUsage(false),
		cluster.CreateWithDisplaySalutation(false),
	)
	if err != nil {
		return explain(err)
	}
	all, err := provider.ListNodes(config.Name)
	if err != nil {
		return explain(err)
	}
	node, err := nodeutils.BootstrapControlPlaneNode(all)
	if err != nil {
		return explain(err)
	}
	return writeRecord(node, config)
}

func writeRecord(node nodes.Node, config Config) error {
	record, err := json.Marshal(config)
	if err != nil {
		return fmt.Errorf("cannot encode the cluster's configuration: %w", err)
	}
	if err := nodeutils.WriteFile(node, recordPath, string(record)); err != nil {
		return fmt.Errorf("cannot write %s in node %s: %w", recordPath, node, explain(err))
	}
	return nil
}

// interrupt ends a creation that cannot be told to end: without its containers
// it fails by itself.
func (c *Clusters) interrupt(ctx context.Context, name string, created <-chan error) error {
	cleanUp, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout)
	defer cancel()
	for {
		if err := c.Delete(cleanUp, name); err != nil {
			tflog.Warn(ctx, "cannot delete the nodes of an interrupted creation", map[string]any{"error": err.Error()})
		}
		select {
		case err := <-created:
			return errors.Join(fmt.Errorf("creation was interrupted: %w", ctx.Err()), err)
		case <-cleanUp.Done():
			return fmt.Errorf("creation was interrupted: %w", ctx.Err())
		case <-time.After(time.Second):
		}
	}
}

// failed collects what tells why, and deletes what was made.
func (c *Clusters) failed(ctx context.Context, config Config, cause error) error {
	cleanUp, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout)
	defer cancel()
	failure := &CreateError{Cause: cause, Remedy: remedy(cause, config)}
	failure.NodeLog = c.nodeLog(cleanUp, config.Name)
	if err := c.Delete(cleanUp, config.Name); err != nil {
		failure.Remedy = strings.TrimSpace(failure.Remedy + fmt.Sprintf(
			" What was made could not be deleted (%s): run kind delete cluster --name %s, or docker rm -f -v %s-control-plane.",
			err, config.Name, config.Name))
	}
	return failure
}

// nodeLog is what the kubelet of a cluster's node last said, or if it was never
// started, what the node printed while it booted.
func (c *Clusters) nodeLog(ctx context.Context, name string) string {
	node, lines := NodeName(name), strconv.Itoa(nodeLogLines)
	for _, command := range [][]string{
		{"exec", node, "journalctl", "--quiet", "--no-pager", "--output=cat", "--unit=kubelet", "--lines=" + lines},
		{"logs", "--tail=" + lines, node},
	} {
		if log, err := c.docker(ctx, command...); err == nil && len(log) > 0 {
			return digest(string(log))
		}
	}
	return ""
}

// remedy knows the failures that people meet.
func remedy(cause error, config Config) string {
	text := cause.Error()
	switch {
	case errors.Is(cause, context.DeadlineExceeded):
		return "Give it more time with timeouts.create, or look at the load of the machine."
	case errors.Is(cause, ErrDockerUnreachable):
		return "Start Docker, or point DOCKER_HOST or the docker context at a running engine."
	case errors.Is(cause, errImage):
		return fmt.Sprintf("The node image %s is neither here nor could it be pulled: "+
			"check its name and the network, or load it with docker load.", config.NodeImage)
	case strings.Contains(text, "port is already allocated"), strings.Contains(text, "address already in use"):
		return "A port of the host is in use: see host_port of extra_port_mappings, and what listens there."
	case strings.Contains(text, "could not find a log line that matches"):
		return "The node did not start up. Its log tells why; too few inotify instances " +
			"(sysctl fs.inotify.max_user_instances) and an image that is not a node image are common reasons."
	case strings.Contains(text, "failed to init node with kubeadm"):
		return "Kubernetes did not come up in the node. The end of its log tells why; too little memory (4 GB for all containers is the least), " +
			"a slow disk, and control groups that the node image does not take are common reasons."
	default:
		return ""
	}
}

// Delete deletes a KinD cluster with its volumes. A cluster that does not exist
// is no error.
func (c *Clusters) Delete(ctx context.Context, name string) error {
	kubeconfigPath, remove, err := scratchKubeconfig()
	if err != nil {
		return err
	}
	defer remove()
	if err := await(ctx, func() error { return c.provider(ctx).Delete(name, kubeconfigPath) }); err != nil {
		return fmt.Errorf("cannot delete KinD cluster %q: %w", name, explain(err))
	}
	return nil
}

// scratchKubeconfig is a file for KinD to write to and edit, which would be the
// user's own kubeconfig if it were given none.
func scratchKubeconfig() (path string, remove func(), err error) {
	directory, err := os.MkdirTemp("", "terraform-provider-capi-")
	if err != nil {
		return "", nil, fmt.Errorf("cannot make a directory for KinD's kubeconfig: %w", err)
	}
	return filepath.Join(directory, "kubeconfig"), func() { _ = os.RemoveAll(directory) }, nil
}
