// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"context"
	"errors"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/core/webhooks/admission"
)

// ValidateClass returns what Cluster API would refuse about a class. If old is
// not nil the class replaces it, and clusters are those that use it: what they
// need must stay. Fields of the errors are paths in the API object.
func ValidateClass(ctx context.Context, old, class *clusterv1.ClusterClass, clusters []clusterv1.Cluster) field.ErrorList {
	if err := enableClusterTopology(); err != nil {
		return field.ErrorList{field.InternalError(nil, err)}
	}
	webhook := &admission.ClusterClass{Client: snapshot{clusters: clusters}}
	var err error
	if old == nil {
		_, err = webhook.ValidateCreate(ctx, class.DeepCopy())
	} else {
		_, err = webhook.ValidateUpdate(ctx, old.DeepCopy(), class.DeepCopy())
	}
	return FieldErrors(err)
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

// FieldErrors returns the single errors in an error of the API server or of
// admission code. An error that names no field becomes one without a field.
func FieldErrors(err error) field.ErrorList {
	if err == nil {
		return nil
	}
	var fieldError *field.Error
	if errors.As(err, &fieldError) {
		return field.ErrorList{fieldError}
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil || len(status.Status().Details.Causes) == 0 {
		return field.ErrorList{{Type: field.ErrorTypeInternal, Detail: err.Error()}}
	}
	var list field.ErrorList
	for _, cause := range status.Status().Details.Causes {
		list = append(list, &field.Error{
			Type: field.ErrorType(cause.Type), Field: cause.Field, Detail: cause.Message,
		})
	}
	return list
}
