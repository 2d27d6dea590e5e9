// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"fmt"
	"slices"
	"strings"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/exp/topology/desiredstate"
)

// Upgrade is what it means for a cluster to change its Kubernetes version.
type Upgrade struct {
	From, To string
	// Versions are those that the control plane goes through, From excluded and
	// To included.
	Versions []string
	// Steps are what happens, one after the other, for people.
	Steps []string
	// MachinesReplaced is how many machines are replaced in all, one that is
	// replaced twice counted twice; nil if a number of machines is not declared.
	MachinesReplaced *int
	// Surge says how many machines there are in addition meanwhile.
	Surge string
	// Untouched are the sets of machines that stay at their version.
	Untouched []string
}

// NewUpgrade returns what becomes of a cluster whose version changes, or nil if
// it does not change or may not (see ValidateVersion), or if a runtime extension
// plans it. The class is the one of after; rolls are what Compare found, and may
// be nil if that is not known. Problems say what is not known.
func NewUpgrade(before, after *clusterv1.Cluster, class *clusterv1.ClusterClass, rolls []Roll) (planned *Upgrade, problems []Problem) {
	defer guardProblems(upgradePlanner, &problems)
	from, to := before.Spec.Topology.Version, after.Spec.Topology.Version
	if from == to || class == nil || class.Spec.Upgrade.External.GenerateUpgradePlanExtension != "" {
		return nil, nil
	}
	versions, err := UpgradePath(from, to, class.Spec.KubernetesVersions)
	if err != nil || len(versions) == 0 {
		return nil, Unknown(Problems(err))
	}
	// Without a plan for workers, upstream makes the one with the fewest steps that
	// keeps them within three minors of the control plane.
	workers, err := desiredstate.DefaultAndValidateUpgradePlans(to, from, from, versions, nil)
	if err != nil {
		return nil, nil
	}
	upgrade := &Upgrade{From: from, To: to, Versions: versions}
	sets := upgrade.split(before, after)
	reached := map[string]string{}
	for _, version := range versions {
		for _, set := range sets {
			if set.Kind != ControlPlane && !slices.Contains(workers, version) {
				continue
			}
			if reached[set.Label()] == "" {
				reached[set.Label()] = from
			}
			upgrade.Steps = append(upgrade.Steps, fmt.Sprintf("%s: %s -> %s", set, reached[set.Label()], version))
			reached[set.Label()] = version
		}
	}
	upgrade.count(sets, len(versions), len(workers))
	upgrade.surge(sets, rolls)
	return upgrade, nil
}

// split returns the sets of machines that are upgraded, and notes down those that
// are not: their upgrade is deferred. Sets that are new begin at the new version.
func (u *Upgrade) split(before, after *clusterv1.Cluster) []Set {
	var sets []Set
	for _, set := range missing(missing(setsOf(before), setsOf(after)), setsOf(after)) {
		if isDeferred(after, set.Kind, set.Name) {
			u.Untouched = append(u.Untouched, set.Label())
		} else {
			sets = append(sets, set)
		}
	}
	return sets
}

func (u *Upgrade) count(sets []Set, controlPlaneSteps, workerSteps int) {
	total := 0
	for _, set := range sets {
		if set.Replicas == nil {
			return
		}
		steps := workerSteps
		if set.Kind == ControlPlane {
			steps = controlPlaneSteps
		}
		total += int(*set.Replicas) * steps
	}
	u.MachinesReplaced = &total
}

func (u *Upgrade) surge(sets []Set, rolls []Roll) {
	var parts []string
	for _, set := range sets {
		i := slices.IndexFunc(rolls, func(r Roll) bool { return r.Label() == set.Label() })
		if i < 0 || rolls[i].MaxSurge == "" {
			continue
		}
		part := fmt.Sprintf("%s: up to %s more", set.Label(), rolls[i].MaxSurge)
		if rolls[i].MaxUnavailable != "0" {
			part += fmt.Sprintf(", up to %s missing", rolls[i].MaxUnavailable)
		}
		parts = append(parts, part)
	}
	u.Surge = strings.Join(parts, "; ")
}

// versionChange is what a change of the cluster's version means for one of its
// sets of workers.
type versionChange struct {
	reasons []string
	// pending says that the set waits, and that Cluster API changes nothing else
	// about it meanwhile, so as not to replace its machines twice.
	pending bool
}

func workerVersion(before, after *clusterv1.Cluster, kind Kind, name string) versionChange {
	from, to := before.Spec.Topology.Version, after.Spec.Topology.Version
	deferred := isDeferred(after, kind, name)
	switch {
	case from != to && deferred:
		return versionChange{pending: true}
	case from != to:
		return versionChange{reasons: []string{"version " + changeOf(from, to)}}
	case !deferred && isDeferred(before, kind, name):
		return versionChange{reasons: []string{"its upgrade is no longer deferred"}}
	}
	return versionChange{}
}

// isDeferred: a set of workers is not upgraded if an annotation says so, or one
// on it or on a set before it says that the sequence of upgrades ends there.
func isDeferred(cluster *clusterv1.Cluster, kind Kind, name string) bool {
	workers := &cluster.Spec.Topology.Workers
	held := false
	check := func(set string, annotations map[string]string) (bool, bool) {
		_, holds := annotations[clusterv1.ClusterTopologyHoldUpgradeSequenceAnnotation]
		_, defers := annotations[clusterv1.ClusterTopologyDeferUpgradeAnnotation]
		held = held || holds
		return held || defers, set == name
	}
	if kind == MachineDeployment {
		for _, md := range workers.MachineDeployments {
			if deferred, found := check(md.Name, md.Metadata.Annotations); found {
				return deferred
			}
		}
	}
	if kind == MachinePool {
		for _, mp := range workers.MachinePools {
			if deferred, found := check(mp.Name, mp.Metadata.Annotations); found {
				return deferred
			}
		}
	}
	return false
}
