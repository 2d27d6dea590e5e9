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
)

// classNote is the key in the private state under which a cluster's class is
// noted as it was last read, for plans when the management cluster does not
// answer and the class is not in the same configuration.
const classNote = "class"

// privateState is where a resource keeps notes.
type privateState interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}

// noteClass notes what clusters are validated against. Neither templates nor
// patches are noted: they may hold what a state must not.
func noteClass(ctx context.Context, s *session.Session, mgmt *management.Cluster, key client.ObjectKey, private privateState) diag.Diagnostics {
	found, err := classes.Live(ctx, s, mgmt, key)
	if err != nil || found == nil {
		return nil
	}
	class := &clusterv1.ClusterClass{}
	class.Namespace, class.Name = found.Class.Namespace, found.Class.Name
	class.Spec.KubernetesVersions, class.Spec.Upgrade = found.Class.Spec.KubernetesVersions, found.Class.Spec.Upgrade
	class.Spec.Variables, class.Status = found.Class.Spec.Variables, found.Class.Status
	for _, md := range found.Class.Spec.Workers.MachineDeployments {
		class.Spec.Workers.MachineDeployments = append(class.Spec.Workers.MachineDeployments, clusterv1.MachineDeploymentClass{Class: md.Class})
	}
	for _, mp := range found.Class.Spec.Workers.MachinePools {
		class.Spec.Workers.MachinePools = append(class.Spec.Workers.MachinePools, clusterv1.MachinePoolClass{Class: mp.Class})
	}
	note, err := json.Marshal(class)
	if err != nil {
		return diag.Diagnostics{invalidConfiguration(err)}
	}
	return private.SetKey(ctx, classNote, note)
}

// notedClass is the class with that name as it was last read, nil if it was not.
func notedClass(ctx context.Context, key client.ObjectKey, private privateState) *clusterv1.ClusterClass {
	note, diags := private.GetKey(ctx, classNote)
	class := &clusterv1.ClusterClass{}
	if diags.HasError() || len(note) == 0 || json.Unmarshal(note, class) != nil || client.ObjectKeyFromObject(class) != key {
		return nil
	}
	return class
}
