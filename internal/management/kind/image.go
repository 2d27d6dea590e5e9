// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
)

// NodeHasImage tells whether the cluster's node has an image under exactly this reference. It asks containerd, because
// crictl, which KinD's library uses, is not in every node image.
func (c *Clusters) NodeHasImage(ctx context.Context, name, reference string) (bool, error) {
	node, err := c.node(ctx, name)
	if err != nil {
		return false, err
	}
	var images, problem bytes.Buffer
	command := node.CommandContext(ctx, "ctr", "--namespace=k8s.io", "images", "list", "--quiet").SetStdout(&images).SetStderr(&problem)
	if err := command.Run(); err != nil {
		return false, fmt.Errorf("cannot list the images of node %s: %w: %s", node, explain(err), strings.TrimSpace(problem.String()))
	}
	return slices.Contains(strings.Fields(images.String()), reference), nil
}
