// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package managementcluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
)

// strangerError says that what answers is not, or need not be, what the state is about.
type strangerError struct{ summary, detail string }

func (e *strangerError) Error() string { return e.summary + ": " + e.detail }

// find describes the cluster of the state, which is known by what was recorded beside
// that. Terraform plans to replace a tainted resource as if there were neither, and so
// keeps back the record from its deletion; then the certificate in the state tells the
// cluster. The error is kind.ErrNotFound if it is proven to be gone, and a
// *strangerError if what answers is something else.
func (r *Resource) find(ctx context.Context, state model, recorded *kind.Identity) (*kind.Description, error) {
	name := state.Name.ValueString()
	description, err := r.clusters.Describe(ctx, name)
	switch {
	case errors.Is(err, kind.ErrNotFound):
		return nil, r.proveGone(ctx, state, recorded, err)
	case err != nil:
		return nil, err
	case recorded == nil && state.ClusterCACertificate.ValueString() == "":
		// Importing is taking what has the name.
		return description, nil
	case recorded == nil && description.CACertificate == state.ClusterCACertificate.ValueString():
		return description, nil
	case recorded != nil && slices.ContainsFunc(description.Nodes, func(id string) bool { return slices.Contains(recorded.Nodes, id) }):
		return description, nil
	}
	expected := "one with another certificate"
	if recorded != nil {
		expected = "the one in " + containerIDs(recorded.Nodes) + " of Docker engine " + recorded.Engine
	}
	return nil, anotherCluster(name, expected, fmt.Sprintf("the KinD cluster in %s", containerIDs(description.Nodes)))
}

// proveGone returns notFound if there is proof that the cluster of the state does not
// exist any more: its own engine has none of its containers.
func (r *Resource) proveGone(ctx context.Context, state model, recorded *kind.Identity, notFound error) error {
	name := state.Name.ValueString()
	if recorded == nil {
		if state.ClusterCACertificate.IsNull() {
			return notFound
		}
		return &strangerError{"Management cluster not found", fmt.Sprintf(
			"There is no management cluster %q in the Docker engine that answers, and it is not known whether that is the engine that it was made in. "+
				"Run terraform refresh, or if the cluster does not exist any more, make Terraform forget it with\n\n  %s", name, forgetCommand)}
	}
	engine, err := r.clusters.Engine(ctx)
	if err != nil {
		return err
	}
	if engine.ID != recorded.Engine {
		return &strangerError{"Another Docker engine answers", fmt.Sprintf(
			"Management cluster %q is in Docker engine %s. The one that answers is %s, which has no such cluster. "+
				"Point DOCKER_HOST or the docker context at the engine that has it. "+
				"If that engine does not exist any more, make Terraform forget the cluster with\n\n  %s", name, recorded.Engine, engine.ID, forgetCommand)}
	}
	left, err := r.clusters.Existing(ctx, recorded.Nodes)
	if err != nil {
		return err
	}
	if len(left) > 0 {
		return &strangerError{"Management cluster not recognized", fmt.Sprintf(
			"The containers of management cluster %q exist, but they are called %s. Give them the names back that KinD gave them, "+
				"such as %s, with docker rename.", name, strings.Join(left, ", "), kind.NodeName(name))}
	}
	return notFound
}

// checkUID returns a *strangerError if the API that answers is another cluster's: one
// that was made in the same node.
func checkUID(name string, recorded, uid types.UID) error {
	if recorded == "" || uid == "" || recorded == uid {
		return nil
	}
	return anotherCluster(name, "the one whose namespace kube-system has the UID "+string(recorded), "one where it is "+string(uid))
}

func anotherCluster(name, expected, found string) error {
	return &strangerError{"Another management cluster answers", fmt.Sprintf(
		"Management cluster %q of the state is %s. What answers under this name is %s. It was not touched.\n\n"+
			"If the one of the state does not exist any more, make Terraform forget it. To manage the other one instead, import that.\n\n"+
			"  %s\n  terraform import %s.NAME %s", name, expected, found, forgetCommand, ResourceType, management.KindID(name))}
}

const forgetCommand = "terraform state rm " + ResourceType + ".NAME"

// containerIDs names containers as docker ps does.
func containerIDs(ids []string) string {
	short := make([]string, len(ids))
	for i, id := range ids {
		short[i] = fmt.Sprintf("%.12s", id)
	}
	if len(short) == 1 {
		return "container " + short[0]
	}
	return "containers " + strings.Join(short, ", ")
}

// nodesInState are the ids of containers of clusters that were read from a state. A
// tainted resource is planned as a creation; but it has been refreshed just before.
type nodesInState struct{ sync.Map }

func (r *Resource) rememberNodes(ids []string) {
	for _, id := range ids {
		session.Part[nodesInState](r.session).Store(id, true)
	}
}

func (r *Resource) inState(ids []string) bool {
	return len(ids) > 0 && !slices.ContainsFunc(ids, func(id string) bool {
		_, ok := session.Part[nodesInState](r.session).Load(id)
		return !ok
	})
}
