// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"context"
	"errors"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clusterv1beta1 "sigs.k8s.io/cluster-api/api/core/v1beta1" //nolint:staticcheck // As long as upstream takes it, manifests have it.
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/core/webhooks/conversion"

	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

// classContent is what a configuration would declare of a ClusterClass. ignored are
// fields of it that API servers take and Cluster API does not know.
func classContent(doc document) (content map[string]any, ignored []string, err error) {
	var class *clusterv1.ClusterClass
	object := doc.object.Object
	switch version := doc.object.GroupVersionKind().Version; version {
	case clusterv1.GroupVersion.Version:
		class, err = typed(doc.object)
	case clusterv1beta1.GroupVersion.Version:
		object, err = fromV1Beta1(object)
	default:
		return nil, nil, doc.fault("its version %q is not known; there are %s and %s", version, clusterv1.GroupVersion.Version, clusterv1beta1.GroupVersion.Version)
	}
	if ignored, err = unknownFields(doc, err); err != nil {
		return nil, nil, err
	}
	metadata, err := labelsAndAnnotations(doc.object.Object["metadata"])
	if err != nil {
		return nil, nil, doc.fault("metadata: %s", err)
	}
	content = map[string]any{"spec": object["spec"]}
	if len(metadata) > 0 {
		content["metadata"] = metadata
	}
	content = runtime.DeepCopyJSON(content)
	if class != nil && len(ignored) > 0 {
		err = keepKnownSchemas(content, class)
	}
	return content, ignored, err
}

// unknownFields looks at what decoding a ClusterClass found. Fields that the API
// server refuses are errors in the words of its rules. It takes those deep inside the
// schemas of variables, which Cluster API ignores.
//
//nolint:contextcheck,nolintlint // Rules wait for nothing, so there is nothing to cancel; for callers, of which nolintlint does not know.
func unknownFields(doc document, decoding error) (ignored []string, err error) {
	if decoding == nil {
		return nil, nil
	}
	var faults []error
	for _, problem := range topology.Known(topology.ValidateFields(context.Background(), doc.object)) {
		faults = append(faults, doc.fault("%s: %s", problem.Field, problem.Message))
	}
	strict, isStrict := runtime.AsStrictDecodingError(decoding)
	if len(faults) == 0 && !isStrict {
		return nil, doc.fault("it cannot be read as a ClusterClass of %s: %s", doc.object.GroupVersionKind().Version, decoding)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	for _, unknown := range strict.Errors() {
		ignored = append(ignored, strings.Trim(strings.TrimPrefix(unknown.Error(), "unknown field "), `"`))
	}
	slices.Sort(ignored)
	return slices.Compact(ignored), nil
}

// keepKnownSchemas reduces the schemas of variables to what Cluster API knows.
func keepKnownSchemas(content map[string]any, class *clusterv1.ClusterClass) error {
	for i, variable := range variables(content) {
		known, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&class.Spec.Variables[i].Schema)
		if err != nil {
			return err
		}
		variable["schema"] = known
	}
	return nil
}

// fromV1Beta1 converts as Cluster API's webhook does, which waits for nothing. What
// it says about unknown fields is an error that goes with the result.
//
//nolint:contextcheck,nolintlint // So there is nothing to cancel either; for callers, of which nolintlint does not know.
func fromV1Beta1(object map[string]any) (_ map[string]any, err error) {
	defer topology.Guard("Cluster API's conversion of ClusterClasses", &err)
	old, class := &clusterv1beta1.ClusterClass{}, &clusterv1.ClusterClass{}
	decoding := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object, old, true)
	if decoding != nil && !runtime.IsStrictDecodingError(decoding) {
		return nil, decoding
	}
	if err := conversion.ConvertClusterClassV1Beta1ToHub(context.Background(), old, class); err != nil {
		return nil, err
	}
	converted, err := runtime.DefaultUnstructuredConverter.ToUnstructured(class)
	if err != nil {
		return nil, err
	}
	return converted, decoding
}

// asClass is a ClusterClass of the given content.
func asClass(content map[string]any, name, namespace string) *unstructured.Unstructured {
	class := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(content)}
	class.SetGroupVersionKind(clusterv1.GroupVersion.WithKind(clusterv1.ClusterClassKind))
	class.SetName(name)
	class.SetNamespace(namespace)
	return class
}
