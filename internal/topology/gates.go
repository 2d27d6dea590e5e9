// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"sync"

	"k8s.io/component-base/featuregate"
	"sigs.k8s.io/cluster-api/feature"
)

// gate says what is done about one of Cluster API's feature gates at plan, where the
// gates of the management cluster are not known.
type gate struct {
	// open is what the gate is set to in this process; nil leaves Cluster API's
	// default, which is for gates that no code asks for at plan.
	open *bool
	// reason says why.
	reason string
}

// gates are Cluster API's feature gates, as of v1.14.2. Those that only add fields are
// open: whether a management cluster has them open it alone knows, and it says so if
// it answers. Gates are global to the process. The controllers, which run in other
// processes, get theirs from their flags.
var gates = map[featuregate.Feature]gate{
	feature.ClusterTopology:                {new(true), "the admission code refuses every class otherwise; the bundled controllers open it, too"},
	feature.KubeadmBootstrapFormatIgnition: {new(true), "it adds a bootstrap format"},
	feature.MachineTaintPropagation:        {new(true), "it adds the fields of taints"},
	feature.MachinePool:                    {new(true), "it adds the machine pools of a class"},
	feature.RuntimeSDK: {new(false), "the generator of topologies and the patch engine would call extensions, for which they need a client " +
		"to a management cluster. Fields that it adds pass all the same (asksForRuntimeExtensions)"},
	feature.InPlaceUpdates:                                      {nil, "only controllers of machines ask for it"},
	feature.MachineSetPreflightChecks:                           {nil, "only the admission of MachineDeployments and MachineSets and their controllers ask for it"},
	feature.MachineWaitForVolumeDetachConsiderVolumeAttachments: {nil, "only the controller of Machines asks for it"}, //nolint:staticcheck // It is on the list as long as upstream has it.
	feature.PriorityQueue:                                       {nil, "it is about the queues of controllers"},
	feature.ReconcilerRateLimiting:                              {nil, "it is about the queues of controllers"},
}

// enableFeatures sets the feature gates of this process.
var enableFeatures = sync.OnceValue(func() error {
	settings := map[string]bool{}
	for name, gate := range gates {
		if gate.open != nil {
			settings[string(name)] = *gate.open
		}
	}
	return feature.MutableGates.SetFromMap(settings)
})
