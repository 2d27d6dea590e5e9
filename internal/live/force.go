// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-log/tflog"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	controlplanev1 "sigs.k8s.io/cluster-api/api/controlplane/kubeadm/v1beta2"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// Finalizers that Cluster API's own controllers remove. Those of infrastructure
// and bootstrap providers, and of other people, stand for things that cannot be
// seen from here: they are never removed. Nor are those of control planes other
// than kubeadm's, which need not have Machines to have something that costs money.
var forcedFinalizers = []string{
	clusterv1.ClusterFinalizer,
	clusterv1.MachineFinalizer,
	clusterv1.MachineSetFinalizer, clusterv1.MachineSetTopologyFinalizer,
	clusterv1.MachineDeploymentFinalizer, clusterv1.MachineDeploymentTopologyFinalizer,
	clusterv1.MachinePoolFinalizer,
	controlplanev1.KubeadmControlPlaneFinalizer,
}

// Force lets go of objects that are being deleted and wait for nothing that
// exists. It looks at one layer at a time: what lies above comes when what lies
// below is gone. It returns what it did, a line for each object.
func (f *Facts) Force(ctx context.Context, mgmt *management.Cluster) ([]string, error) {
	candidates, err := f.unheld(ctx, mgmt)
	if err != nil {
		return nil, err
	}
	var removed []string
	for _, obj := range candidates {
		let, err := letGo(ctx, mgmt, obj)
		if err != nil {
			return removed, err
		}
		if let != "" {
			tflog.Warn(ctx, "Removed finalizers: "+let)
			removed = append(removed, let)
		}
	}
	return removed, nil
}

// unheld are the objects below which nothing exists any more.
func (f *Facts) unheld(ctx context.Context, mgmt *management.Cluster) ([]client.Object, error) {
	var objects []client.Object
	for i := range f.Machines {
		if gone, err := f.isGone(ctx, mgmt, backingRefs(f.Machines[i].Spec)...); err != nil {
			return nil, err
		} else if gone {
			objects = append(objects, &f.Machines[i])
		}
	}
	for i := range f.MachinePools {
		pool := &f.MachinePools[i]
		if gone, err := f.isGone(ctx, mgmt, backingRefs(pool.Spec.Template.Spec)...); err != nil {
			return nil, err
		} else if gone && !f.hasMachines(pool, clusterv1.MachinePoolNameLabel) {
			objects = append(objects, pool)
		}
	}
	for i := range f.machineSets {
		if !f.hasMachines(&f.machineSets[i], clusterv1.MachineSetNameLabel) {
			objects = append(objects, &f.machineSets[i])
		}
	}
	for i := range f.MachineDeployments {
		md := &f.MachineDeployments[i]
		hasSets := slices.ContainsFunc(f.machineSets, func(set clusterv1.MachineSet) bool {
			return belongs(&set, md, clusterv1.MachineDeploymentNameLabel)
		})
		if !hasSets && !f.hasMachines(md, clusterv1.MachineDeploymentNameLabel) {
			objects = append(objects, md)
		}
	}
	if f.ControlPlane != nil && f.ControlPlane.GroupVersionKind().Group == controlplanev1.GroupVersion.Group && len(f.Machines) == 0 {
		objects = append(objects, f.ControlPlane)
	}
	if len(f.belongings()) == 1 {
		gone, err := f.isGone(ctx, mgmt, f.Cluster.Spec.InfrastructureRef, f.Cluster.Spec.ControlPlaneRef)
		if err != nil {
			return nil, err
		}
		if gone {
			objects = append(objects, f.Object)
		}
	}
	return objects, nil
}

// isGone asks for each object by its name, because a list could miss one that has
// lost its labels. Of a kind that the management cluster does not know it says no:
// that proves nothing about objects, as the kind may only not be served.
func (f *Facts) isGone(ctx context.Context, mgmt *management.Cluster, refs ...clusterv1.ContractVersionedObjectReference) (bool, error) {
	for _, ref := range refs {
		if !ref.IsDefined() {
			continue
		}
		if _, err := mgmt.Served(ref.APIGroup, ref.Kind); meta.IsNoMatchError(err) {
			return false, nil
		}
		if obj, err := referenced(ctx, mgmt, f.Cluster.Namespace, ref); err != nil || obj != nil {
			return false, err
		}
	}
	return true, nil
}

func (f *Facts) hasMachines(owner client.Object, label string) bool {
	return slices.ContainsFunc(f.Machines, func(m clusterv1.Machine) bool { return belongs(&m, owner, label) })
}

// belongs says whether an object is the owner's, by its owner or by its label: one
// of them may be missing.
func belongs(obj, owner client.Object, label string) bool {
	return obj.GetLabels()[label] == owner.GetName() ||
		slices.ContainsFunc(obj.GetOwnerReferences(), func(ref metav1.OwnerReference) bool { return ref.UID == owner.GetUID() })
}

// letGo takes the finalizers from an object that is being deleted, unless it has
// changed since it was observed.
func letGo(ctx context.Context, mgmt *management.Cluster, obj client.Object) (string, error) {
	var forced, kept []string
	for _, finalizer := range obj.GetFinalizers() {
		if slices.Contains(forcedFinalizers, finalizer) {
			forced = append(forced, finalizer)
		} else {
			kept = append(kept, finalizer)
		}
	}
	if obj.GetDeletionTimestamp().IsZero() || len(forced) == 0 {
		return "", nil
	}
	gvk, err := mgmt.GroupVersionKindFor(obj)
	if err != nil {
		return "", err
	}
	what := fmt.Sprintf("%s %s: %s", gvk.Kind, obj.GetName(), strings.Join(forced, ", "))
	before, _ := obj.DeepCopyObject().(client.Object)
	obj.SetFinalizers(kept)
	if err := mgmt.Patch(ctx, obj, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); client.IgnoreNotFound(err) != nil {
		return "", fmt.Errorf("cannot remove finalizers: %s: %w", what, err)
	}
	return what, nil
}
