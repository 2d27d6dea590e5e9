// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package managementcluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"k8s.io/apimachinery/pkg/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
)

// privateKey is where Terraform keeps, beside the state, which cluster the resource
// has. Terraform plans a replacement as a creation, with no state but with this: what
// a cluster occupies is then in use by the one that goes. Of a tainted resource it
// keeps back both.
const privateKey = "identity"

// record tells the cluster of a resource from every other that is called the same,
// at another time or in another engine.
type record struct {
	// Engine is the id of the Docker engine.
	Engine string `json:"engine"`
	// Nodes are the ids of the nodes' containers.
	Nodes []string `json:"nodes"`
	// UID is the cluster's: that of its namespace kube-system. It is empty if the API has
	// not answered yet.
	UID types.UID `json:"uid,omitempty"`
}

type privateReader interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
}

type privateWriter interface {
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}

// readRecord returns nil for a resource that was imported just now.
func readRecord(ctx context.Context, private privateReader) (*record, diag.Diagnostics) {
	value, diags := private.GetKey(ctx, privateKey)
	if len(value) == 0 {
		return nil, diags
	}
	result := &record{}
	if err := json.Unmarshal(value, result); err != nil {
		diags.AddError("Damaged state", fmt.Sprintf("The private state of the management cluster cannot be read: %s.", err))
	}
	return result, diags
}

func (r record) write(ctx context.Context, private privateWriter) diag.Diagnostics {
	value, err := json.Marshal(r)
	if err != nil {
		return diag.Diagnostics{diag.NewErrorDiagnostic("Cannot encode the private state", err.Error())}
	}
	return private.SetKey(ctx, privateKey, value)
}

// strangerError says that what answers is not, or need not be, what the state is about.
type strangerError struct{ summary, detail string }

func (e *strangerError) Error() string { return e.summary + ": " + e.detail }

// find describes the cluster of the state, which is known by recorded, or if that is
// nil, by its certificate. The error is kind.ErrNotFound if it is proven to be gone,
// and a *strangerError if what answers is something else.
func (r *Resource) find(ctx context.Context, state model, recorded *record) (*kind.Description, error) {
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
func (r *Resource) proveGone(ctx context.Context, state model, recorded *record, notFound error) error {
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
func checkUID(name string, recorded *record, uid types.UID) error {
	if recorded == nil || recorded.UID == "" || uid == "" || recorded.UID == uid {
		return nil
	}
	return anotherCluster(name, "the one whose namespace kube-system has the UID "+string(recorded.UID), "one where it is "+string(uid))
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

// nodesInState are the ids of containers of clusters that this process has read from a
// state. When Terraform plans to replace a tainted resource, it hands over neither its
// state nor what is kept beside it, so that it looks like a creation; but it has been
// refreshed just before.
var nodesInState sync.Map

func rememberNodes(ids []string) {
	for _, id := range ids {
		nodesInState.Store(id, true)
	}
}

func inState(ids []string) bool {
	return len(ids) > 0 && !slices.ContainsFunc(ids, func(id string) bool {
		_, ok := nodesInState.Load(id)
		return !ok
	})
}
