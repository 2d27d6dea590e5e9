// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package acctest

import (
	"context"
	"fmt"

	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
)

// EngineID is the id of the Docker engine that Environment.Engine is.
const EngineID = "envtest"

// Engine stands in for a Docker engine with KinD clusters.
type Engine struct {
	// ID of the engine. One without an ID does not answer.
	ID string
	// Kubeconfigs are those of the clusters, by their names.
	Kubeconfigs map[string]string
}

// Engine is one that has KindName, which is the environment.
func (e *Environment) Engine() Engine {
	return Engine{ID: EngineID, Kubeconfigs: map[string]string{KindName: e.Kubeconfig}}
}

// KubeConfig returns the kubeconfig, or kind.ErrNotFound.
func (e Engine) KubeConfig(_ context.Context, name string) (string, error) {
	kubeconfig, ok := e.Kubeconfigs[name]
	if !ok {
		return "", fmt.Errorf("%w: %q", kind.ErrNotFound, name)
	}
	return kubeconfig, nil
}

// Identity is made up of the name.
func (e Engine) Identity(ctx context.Context, name string) (kind.Identity, error) {
	if _, err := e.KubeConfig(ctx, name); err != nil {
		return kind.Identity{}, err
	}
	return kind.Identity{Engine: e.ID, Nodes: []string{name}}, nil
}

// Engine says which engine it is.
func (e Engine) Engine(context.Context) (kind.Engine, error) {
	if e.ID == "" {
		return kind.Engine{}, kind.ErrDockerUnreachable
	}
	return kind.Engine{ID: e.ID}, nil
}
