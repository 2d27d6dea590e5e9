// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"context"
	"slices"
	"strings"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/core/webhooks/admission"
)

const clusterAdmission = "Cluster API's admission code for Clusters"

// ValidateCluster returns what Cluster API would refuse about a cluster of the
// given class, and the cluster with its variables defaulted as Cluster API
// would default them; nil if that is not known. The class has to be Reconciled, or read from a management
// cluster. A nil class leaves out everything that needs one.
//
// If old is not nil, cluster replaces it. Whether its version may change is then
// ValidateVersion's to say; that the last upgrade is finished, which Cluster API
// demands too, only the management cluster knows.
func ValidateCluster(ctx context.Context, class *clusterv1.ClusterClass, old, cluster *clusterv1.Cluster) (defaulted *clusterv1.Cluster, problems []Problem) {
	defer guardProblems(clusterAdmission, &problems)
	if err := enableFeatures(); err != nil {
		return nil, Problems(err)
	}
	cluster = cluster.DeepCopy()
	if class == nil {
		problems = validateWithoutClass(ctx, cluster)
	} else {
		problems = validateWithClass(ctx, class, old, cluster)
	}
	if old != nil {
		problems = append(problems, ValidateVersion(old.Spec.Topology.Version, cluster.Spec.Topology.Version, class)...) //nolint:contextcheck // nothing in it makes calls
	}
	return cluster, problems
}

func validateWithClass(ctx context.Context, class *clusterv1.ClusterClass, old, cluster *clusterv1.Cluster) []Problem {
	class = asReconciled(class.DeepCopy())
	key := cluster.GetClassKey()
	class.Namespace, class.Name = key.Namespace, key.Name
	webhook := &admission.Cluster{Client: snapshot{classes: []*clusterv1.ClusterClass{class}}}
	problems := fieldProblems(webhook.DefaultAndValidateVariables(ctx, cluster, old, class))
	if undefined := slices.DeleteFunc(slices.Clone(problems), func(p Problem) bool { return !strings.Contains(p.Message, undefinedVariable) }); len(undefined) > 0 {
		// The admission code then sets no defaults, and misses those variables too.
		defined := withDefinedVariables(cluster, class)
		problems = append(undefined, fieldProblems(webhook.DefaultAndValidateVariables(ctx, defined, old, class))...)
	}
	_, err := webhook.ValidateCreate(ctx, cluster)
	return explain(append(problems, Problems(err)...), class)
}

// withDefinedVariables returns a copy of the cluster without values of variables that
// its class does not define.
func withDefinedVariables(cluster *clusterv1.Cluster, class *clusterv1.ClusterClass) *clusterv1.Cluster {
	cluster = cluster.DeepCopy()
	topology := &cluster.Spec.Topology
	values := []*[]clusterv1.ClusterVariable{&topology.Variables, &topology.ControlPlane.Variables.Overrides}
	for i := range topology.Workers.MachineDeployments {
		values = append(values, &topology.Workers.MachineDeployments[i].Variables.Overrides)
	}
	for i := range topology.Workers.MachinePools {
		values = append(values, &topology.Workers.MachinePools[i].Variables.Overrides)
	}
	for _, list := range values {
		*list = slices.DeleteFunc(*list, func(v clusterv1.ClusterVariable) bool {
			return !slices.ContainsFunc(class.Status.Variables, func(defined clusterv1.ClusterClassStatusVariable) bool { return defined.Name == v.Name })
		})
	}
	return cluster
}

// validateWithoutClass runs under a context that is over: the admission code
// looks for the class once, is content without, and would go on looking for two
// seconds otherwise.
func validateWithoutClass(ctx context.Context, cluster *clusterv1.Cluster) []Problem {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	webhook := &admission.Cluster{Client: snapshot{}}
	_, err := webhook.ValidateCreate(ctx, cluster)
	return Problems(err)
}
