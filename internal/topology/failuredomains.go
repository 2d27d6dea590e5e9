// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
)

// failureDomainPaths are where infrastructure clusters declare their failure
// domains: a list of objects with a name, or in older contracts a map by name.
var failureDomainPaths = [][]string{
	{"spec", "failureDomains"},
	{"spec", "backend", "docker", "failureDomains"},
}

// FailureDomains are the names of the failure domains that the infrastructure of
// the rendering declares, sorted. There are none if it finds them out only when it
// is created, as clouds do.
func (r *Rendering) FailureDomains() []string {
	if r.state.InfrastructureCluster == nil {
		return nil
	}
	var names []string
	for _, path := range failureDomainPaths {
		declared, _, _ := unstructured.NestedFieldNoCopy(r.state.InfrastructureCluster.Object, path...)
		names = slices.AppendSeq(names, maps.Keys(asMap(declared)))
		list, _ := declared.([]any)
		for _, domain := range list {
			if name, ok := asMap(domain)["name"].(string); ok {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// InfrastructureKind is the kind of the infrastructure of the rendering.
func (r *Rendering) InfrastructureKind() string {
	if r.state.InfrastructureCluster == nil {
		return ""
	}
	return r.state.InfrastructureCluster.GetKind()
}

// FailureDomainUse is that a set of workers is to be in a failure domain.
type FailureDomainUse struct {
	// Field is the one of the Cluster that says so.
	Field string
	// Set is the set as in "machine deployment NAME".
	Set string
	// Domain is the name of the failure domain.
	Domain string
}

// FailureDomainUses are the failure domains that the sets of workers of a cluster
// ask for, and which before, if not nil, did not ask for. Those of the class are
// not among them.
func FailureDomainUses(before, cluster *clusterv1.Cluster) []FailureDomainUse {
	var known []FailureDomainUse
	if before != nil {
		known = failureDomainUses(before)
	}
	return slices.DeleteFunc(failureDomainUses(cluster), func(use FailureDomainUse) bool {
		return slices.ContainsFunc(known, func(k FailureDomainUse) bool { return k.Set == use.Set && k.Domain == use.Domain })
	})
}

func failureDomainUses(cluster *clusterv1.Cluster) []FailureDomainUse {
	var uses []FailureDomainUse
	workers := &cluster.Spec.Topology.Workers
	for i, md := range workers.MachineDeployments {
		if md.FailureDomain != "" {
			uses = append(uses, FailureDomainUse{
				Field: fmt.Sprintf("spec.topology.workers.machineDeployments[%d].failureDomain", i),
				Set:   Set{Kind: MachineDeployment, Name: md.Name}.Label(), Domain: md.FailureDomain,
			})
		}
	}
	for i, pool := range workers.MachinePools {
		for j, domain := range pool.FailureDomains {
			uses = append(uses, FailureDomainUse{
				Field: fmt.Sprintf("spec.topology.workers.machinePools[%d].failureDomains[%d]", i, j),
				Set:   Set{Kind: MachinePool, Name: pool.Name}.Label(), Domain: domain,
			})
		}
	}
	return uses
}

// ValidateFailureDomains returns which of the uses name a failure domain that is
// not among those that there are. If none are known, none are wrong.
func ValidateFailureDomains(uses []FailureDomainUse, domains []string) []Problem {
	if len(domains) == 0 {
		return nil
	}
	var problems []Problem
	for _, use := range uses {
		if !slices.Contains(domains, use.Domain) {
			problems = append(problems, Problem{Field: use.Field, Message: fmt.Sprintf(
				"the infrastructure has no failure domain %q; it has %s", use.Domain, strings.Join(domains, ", "))})
		}
	}
	return problems
}

func asMap(value any) map[string]any {
	m, _ := value.(map[string]any)
	return m
}
