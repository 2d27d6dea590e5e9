// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/types"
	"k8s.io/apimachinery/pkg/api/equality"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// Planned is a class as a plan of the same configuration will make it.
type Planned struct {
	// Found says that the class is planned at all. If not, it is only in the
	// management cluster, if anywhere.
	Found bool
	// Changes says that the management cluster does not have it like that yet.
	Changes bool
	// Class is nil if not all of it is known yet.
	Class *clusterv1.ClusterClass
}

// plannedKey names a class. The resolver stands for the provider instance, of
// which there may be several in a process. Management clusters whose id is not
// known yet are not told apart.
type plannedKey struct {
	resolver          *management.Resolver
	managementCluster string
	class             client.ObjectKey
}

// plannedClasses remembers what was planned, because Terraform shows a resource
// no more of another than the attributes that it refers to: a cluster that names
// its class would otherwise be validated against the class of before the apply.
// Terraform plans a class first if a cluster refers to it.
var plannedClasses sync.Map // plannedKey to Planned

const unknownManagementCluster = "?"

// PlannedIn returns what is planned for a class.
func PlannedIn(resolver *management.Resolver, managementCluster types.String, class client.ObjectKey) Planned {
	value, _ := plannedClasses.Load(keyOf(resolver, managementCluster, class))
	planned, _ := value.(Planned)
	return planned
}

func keyOf(resolver *management.Resolver, managementCluster types.String, class client.ObjectKey) plannedKey {
	id := managementCluster.ValueString()
	if managementCluster.IsUnknown() {
		id = unknownManagementCluster
	}
	return plannedKey{resolver: resolver, managementCluster: id, class: class}
}

// remember notes what is planned for a class.
func remember(resolver *management.Resolver, managementCluster types.String, class client.ObjectKey, planned Planned) {
	key := keyOf(resolver, managementCluster, class)
	planned.Found = true
	before, exists := plannedClasses.Swap(key, planned)
	if earlier, ok := before.(Planned); exists && ok && managementCluster.IsUnknown() &&
		!equality.Semantic.DeepEqual(earlier.Class, planned.Class) {
		// Two classes in management clusters that cannot be told apart yet.
		plannedClasses.Store(key, Planned{Found: true, Changes: true})
	}
}
