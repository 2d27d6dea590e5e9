// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"context"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
)

// reconcileDelete removes the machine's container with its volumes, and last the finalizer. It goes by labels, because the
// objects that the container's name is made from may be gone already. Volumes that outlive the container do not keep the
// machine (Volumes).
func (r *Reconciler) reconcileDelete(ctx context.Context, s *scope) error {
	r.Jobs.Cancel(s.dockerMachine)
	containers, err := r.Engine.List(ctx, map[string]string{
		identity.NamespaceLabel: s.dockerMachine.Namespace,
		identity.MachineLabel:   s.dockerMachine.Name,
	})
	if err != nil {
		return err
	}
	uids := []string{string(s.dockerMachine.UID)}
	for _, c := range containers {
		if !s.owner().Owns(c, s.dockerMachine.Spec.ProviderID == identity.ProviderID(c.Name)) {
			continue
		}
		ctrl.LoggerFrom(ctx).Info("Removing the container", "container", c.Name)
		if err := r.Engine.Remove(ctx, c.ID); err != nil {
			return err
		}
		uids = append(uids, c.Labels[identity.ObjectUIDLabel]) // Another one if the machine was moved.
	}
	r.Volumes.release(uids...)
	controllerutil.RemoveFinalizer(s.dockerMachine, infrav1.MachineFinalizer)
	return nil
}
