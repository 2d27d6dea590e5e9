// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// CreateError says why a cluster could not be made.
type CreateError struct {
	// Cause is KinD's own error, with the output of the command that failed.
	Cause error
	// Remedy says what to do about it, if that is known.
	Remedy string
	// Left says what became of that which was made; empty if it was deleted again.
	Left string
	// NodeLog is the end of what the node printed, if it started at all.
	NodeLog string
}

func (e *CreateError) Error() string { return e.Cause.Error() }
func (e *CreateError) Unwrap() error { return e.Cause }

const nodeLogLines = 20

// nodeLog is what the kubelet of the node that was made last said, or if it was never
// started, what the node printed while it booted.
func (c *Clusters) nodeLog(ctx context.Context, k *claim) string {
	made, err := c.madeUnder(ctx, k.cluster, k.nonce)
	if err != nil || len(made) == 0 {
		return ""
	}
	node, lines := made[0].ID, strconv.Itoa(nodeLogLines)
	for _, command := range [][]string{
		{"exec", node, "journalctl", "--quiet", "--no-pager", "--output=cat", "--unit=kubelet", "--lines=" + lines},
		{"logs", "--tail=" + lines, node},
	} {
		if log, err := c.query(ctx, command...); err == nil && len(log) > 0 {
			return digest(string(log))
		}
	}
	return ""
}

// remedy knows the failures that people meet.
func remedy(cause error, config Config) string {
	text := cause.Error()
	switch {
	case errors.Is(cause, ErrTakenOver):
		return "Look whether another apply has made the cluster, and apply again."
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
