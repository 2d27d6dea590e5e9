// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package classes

import (
	"context"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/types"
	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

// Planned is a class as clusters meet it in a plan.
type Planned struct {
	// Before is the class until the apply. It is nil if there is none yet, or if
	// it is not known.
	Before *topology.Blueprint
	// After is the class from the apply on. It is nil if not all of it is known.
	After *topology.Blueprint
	// Changes says that the apply makes After of Before, or may.
	Changes bool
}

// plannedKey names a class. Management clusters whose id is not known yet are not
// told apart.
type plannedKey struct {
	managementCluster string
	class             client.ObjectKey
}

// plannedClasses are the classes that were planned in a session (plannedKey to
// Planned), because Terraform shows a resource no more of another than the
// attributes that it refers to: a cluster that names its class would otherwise be
// validated against the class of before the apply. Terraform plans a class first
// if a cluster refers to it.
type plannedClasses struct{ sync.Map }

const unknownManagementCluster = "?"

// ForPlan returns a class for the plan of a cluster: as planned in the same
// configuration, else as the management cluster has it, which is nil if it does
// not answer. A class that nobody knows has neither Before nor After.
func ForPlan(ctx context.Context, s *session.Session, mgmt *management.Cluster, id types.String, class client.ObjectKey) Planned {
	if value, found := session.Part[plannedClasses](s).Load(keyOf(id, class)); found {
		planned, _ := value.(Planned)
		return planned
	}
	if mgmt == nil {
		return Planned{}
	}
	live, err := Live(ctx, s, mgmt, class)
	if err != nil {
		return Planned{}
	}
	return Planned{Before: live, After: live}
}

func keyOf(managementCluster types.String, class client.ObjectKey) plannedKey {
	id := managementCluster.ValueString()
	if managementCluster.IsUnknown() {
		id = unknownManagementCluster
	}
	return plannedKey{managementCluster: id, class: class}
}

// Remember notes what is planned for a class.
func Remember(s *session.Session, managementCluster types.String, class client.ObjectKey, planned Planned) {
	key, classes := keyOf(managementCluster, class), session.Part[plannedClasses](s)
	earlier, exists := classes.Swap(key, planned)
	if exists && managementCluster.IsUnknown() && !equality.Semantic.DeepEqual(earlier, planned) {
		// Two classes in management clusters that cannot be told apart yet.
		classes.Store(key, Planned{Changes: true})
	}
}
