// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"encoding/json"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/classes"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// classNote is the key in the private state under which a cluster's class is
// noted as it was last read, for plans when the management cluster does not
// answer and the class is not in the same configuration.
const classNote = "class"

// noteClass notes what clusters are validated against. Neither templates nor
// patches are noted: they may hold what a state must not.
func noteClass(ctx context.Context, s *session.Session, mgmt *management.Cluster, key client.ObjectKey, private tfkit.PrivateState) diag.Diagnostics {
	found, err := classes.Live(ctx, s, mgmt, key)
	if err != nil || found == nil {
		return nil
	}
	note, err := json.Marshal(noteOf(found.Class))
	if err != nil {
		return diag.Diagnostics{invalidConfiguration(err)}
	}
	return private.SetKey(ctx, classNote, note)
}

// noteOf is what is noted of a class.
func noteOf(known *clusterv1.ClusterClass) *clusterv1.ClusterClass {
	class := &clusterv1.ClusterClass{}
	class.Namespace, class.Name = known.Namespace, known.Name
	class.Spec.KubernetesVersions, class.Spec.Upgrade = known.Spec.KubernetesVersions, known.Spec.Upgrade
	class.Spec.Variables, class.Status = known.Spec.Variables, known.Status
	for _, md := range known.Spec.Workers.MachineDeployments {
		class.Spec.Workers.MachineDeployments = append(class.Spec.Workers.MachineDeployments, clusterv1.MachineDeploymentClass{Class: md.Class})
	}
	for _, mp := range known.Spec.Workers.MachinePools {
		class.Spec.Workers.MachinePools = append(class.Spec.Workers.MachinePools, clusterv1.MachinePoolClass{Class: mp.Class})
	}
	return class
}

// notedClass is the class with that name as it was last read, nil if it was not.
func notedClass(ctx context.Context, key client.ObjectKey, private tfkit.PrivateReader) *clusterv1.ClusterClass {
	note, diags := private.GetKey(ctx, classNote)
	class := &clusterv1.ClusterClass{}
	if diags.HasError() || len(note) == 0 || json.Unmarshal(note, class) != nil || client.ObjectKeyFromObject(class) != key {
		return nil
	}
	return class
}
