// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// Runtime returns the Docker engine that the docker command talks to. The client library, unlike the command, knows
// nothing of docker contexts. It does not connect to the engine yet.
func (c *Clusters) Runtime(ctx context.Context) (*container.Bounded, error) {
	if os.Getenv("DOCKER_HOST") != "" {
		return container.NewDocker()
	}
	out, err := c.query(ctx, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}")
	if err != nil {
		return nil, err
	}
	endpoint := strings.TrimSpace(string(out))
	if strings.HasPrefix(endpoint, "ssh://") {
		return nil, fmt.Errorf("the docker context leads to %s, which the docker command alone can reach: "+
			"forward the engine's socket with ssh -L, and set DOCKER_HOST to where it then listens", endpoint)
	}
	return container.NewDockerAt(endpoint)
}
