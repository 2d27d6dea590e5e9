// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package managementcluster

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
	"github.com/terraform-capi/terraform-provider-capi/internal/waiter"
)

// repair starts the node if it is stopped, resumes it if it is paused, and waits until
// the API of the recorded cluster answers.
func (r *Resource) repair(ctx context.Context, name string, description *kind.Description, recorded types.UID) diag.Diagnostics {
	if diags := r.start(ctx, name, description); diags.HasError() {
		return diags
	}
	if err := waiter.Wait(ctx, r.answering(name)); err != nil {
		return waitDiagnostics(name, err)
	}
	return r.checkUID(ctx, name, recorded)
}

// start gets the node to run. A node without a kubeconfig runs in vain.
func (r *Resource) start(ctx context.Context, name string, description *kind.Description) diag.Diagnostics {
	switch description.Status {
	case kind.StatusRunning:
		return nil
	case kind.StatusIncomplete:
		return diag.Diagnostics{lostKubeconfig(name, description)}
	}
	if err := r.clusters.Start(ctx, name); err != nil {
		return diag.Diagnostics{describeError(name, err)}
	}
	return nil
}

func (r *Resource) checkUID(ctx context.Context, name string, recorded types.UID) diag.Diagnostics {
	if err := checkUID(name, recorded, r.uid(ctx, name)); err != nil {
		return diag.Diagnostics{describeError(name, err)}
	}
	return nil
}

// connect connects to a management cluster that may have come to answer since the last attempt.
func (r *Resource) connect(ctx context.Context, name string) (*management.Cluster, error) {
	id := management.KindID(name)
	r.session.Retry(id)
	return r.session.Connect(ctx, id)
}

func (r *Resource) answering(name string) waiter.Condition {
	return func(ctx context.Context) (bool, string, error) {
		_, err := r.connect(ctx, name)
		return err == nil, "the API does not answer", err
	}
}

// waitEmpty waits until no Cluster object is left in a management cluster:
// deleting it would leave the machines behind with nobody to delete them. A cluster
// that cannot be asked is not empty.
func (r *Resource) waitEmpty(ctx context.Context, name string, description *kind.Description, recorded types.UID) diag.Diagnostics {
	if diags := r.start(ctx, name, description); diags.HasError() {
		return diags
	}
	if err := waiter.Wait(ctx, r.empty(name)); err != nil {
		return waitDiagnostics(name, err)
	}
	return r.checkUID(ctx, name, recorded)
}

func (r *Resource) empty(name string) waiter.Condition {
	return func(ctx context.Context) (bool, string, error) {
		cluster, err := r.connect(ctx, name)
		if err != nil {
			return false, "", err
		}
		left, err := clustersIn(ctx, cluster)
		if err != nil {
			return false, "", err
		}
		return len(left) == 0, "Clusters exist: " + strings.Join(left, ", "), nil
	}
}

// clustersIn names the Cluster objects of a management cluster. They are listed in
// whatever version it serves: it may run an older Cluster API than ours.
func clustersIn(ctx context.Context, cluster *management.Cluster) ([]string, error) {
	kind := schema.GroupKind{Group: clusterv1.GroupVersion.Group, Kind: clusterv1.ClusterKind}
	gvk, err := cluster.Served(kind.Group, kind.Kind)
	list := &metav1.PartialObjectMetadataList{}
	if err == nil {
		list.SetGroupVersionKind(gvk)
		err = cluster.List(ctx, list)
	}
	// Only without the kind there are no Clusters. That it is not served may be for
	// the moment.
	if management.IsAbsent(err) {
		err = cluster.ProveUnserved(ctx, kind, err)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot list Clusters: %w", err)
	}
	var names []string
	for i := range list.Items {
		name := client.ObjectKeyFromObject(&list.Items[i]).String()
		if !list.Items[i].DeletionTimestamp.IsZero() {
			name += " (being deleted)"
		}
		names = append(names, name)
	}
	return names, nil
}

func waitDiagnostics(name string, err error) diag.Diagnostics {
	var timeout *waiter.TimeoutError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &timeout):
		return diag.Diagnostics{tfkit.TimeoutErrorDiagnostic(fmt.Sprintf("management cluster %q", name), timeout,
			"Destroy the Clusters first, or give it more time with timeouts. If its API is dead for good, "+
				fmt.Sprintf("docker rm -f -v %s deletes it, and %s what it managed.", kind.NodeName(name), removeCommand()))}
	default:
		return diag.Diagnostics{tfkit.RequestError(fmt.Sprintf("look into management cluster %q", name), err)}
	}
}
