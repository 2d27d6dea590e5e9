// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"context"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/core/webhooks/admission"
	"sigs.k8s.io/cluster-api/feature"
)

const classAdmission = "Cluster API's admission code for ClusterClasses"

// ValidateClass returns what Cluster API would refuse about a class. If old is
// not nil the class replaces it, and clusters are those that use it: what they
// need must stay.
func ValidateClass(ctx context.Context, old, class *clusterv1.ClusterClass, clusters []clusterv1.Cluster) (problems []Problem) {
	defer guardProblems(classAdmission, &problems)
	if err := enableFeatures(); err != nil {
		return Problems(err)
	}
	webhook := &admission.ClusterClass{Client: snapshot{clusters: clusters}}
	var err error
	if old == nil {
		_, err = webhook.ValidateCreate(ctx, class.DeepCopy())
	} else {
		_, err = webhook.ValidateUpdate(ctx, old.DeepCopy(), class.DeepCopy())
	}
	return slices.DeleteFunc(Problems(err), asksForRuntimeExtensions)
}

// asksForRuntimeExtensions says whether the problem is no more than that runtime
// extensions are off in this process, where nobody could call any. Whether a
// management cluster has them it alone knows.
func asksForRuntimeExtensions(problem Problem) bool {
	return strings.HasSuffix(problem.Field, ".external") && strings.Contains(problem.Message, string(feature.RuntimeSDK)+" feature flag")
}

// Reconciled returns the class as it will be once the class controller has seen
// it: its inline variables stand in the status, where clusters' variables are
// validated against. Variables that runtime extensions add cannot be known
// without calling them; see HasExternalVariables.
func Reconciled(class *clusterv1.ClusterClass) *clusterv1.ClusterClass {
	class = class.DeepCopy()
	class.Status.Variables = nil
	for _, v := range class.Spec.Variables {
		class.Status.Variables = append(class.Status.Variables, clusterv1.ClusterClassStatusVariable{
			Name:                v.Name,
			DefinitionsConflict: ptr.To(false),
			Definitions: []clusterv1.ClusterClassStatusVariableDefinition{{
				From:     clusterv1.VariableDefinitionFromInline,
				Required: v.Required,
				Schema:   v.Schema,
			}},
		})
	}
	slices.SortFunc(class.Status.Variables, func(a, b clusterv1.ClusterClassStatusVariable) int {
		return strings.Compare(a.Name, b.Name)
	})
	return asReconciled(class)
}

// asReconciled makes the admission code take the class for reconciled, which it
// polls for two seconds otherwise.
func asReconciled(class *clusterv1.ClusterClass) *clusterv1.ClusterClass {
	class.Status.ObservedGeneration = class.Generation
	class.Status.Conditions = []metav1.Condition{{
		Type:   clusterv1.ClusterClassVariablesReadyCondition,
		Status: metav1.ConditionTrue,
		Reason: clusterv1.ClusterClassVariablesReadyReason,
	}}
	return class
}

// HasExternalVariables says whether runtime extensions add variables to the
// class, so that its inline variables are not all there are.
func HasExternalVariables(class *clusterv1.ClusterClass) bool {
	return slices.ContainsFunc(class.Spec.Patches, func(p clusterv1.ClusterClassPatch) bool {
		return p.External != nil && p.External.DiscoverVariablesExtension != ""
	})
}

// Usable returns the class that a management cluster has in the form in which
// clusters can be validated against it, or nil if only its controllers could say
// what its variables are.
func Usable(class *clusterv1.ClusterClass) *clusterv1.ClusterClass {
	observed := class.Status.ObservedGeneration >= class.Generation &&
		meta.IsStatusConditionTrue(class.Status.Conditions, clusterv1.ClusterClassVariablesReadyCondition)
	switch {
	case observed:
		return class
	case HasExternalVariables(class):
		return nil
	}
	return Reconciled(class)
}
