// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	bootstrapv1beta1 "sigs.k8s.io/cluster-api/api/bootstrap/kubeadm/v1beta1" //nolint:staticcheck // As long as upstream takes it, people have it.
	bootstrapv1 "sigs.k8s.io/cluster-api/api/bootstrap/kubeadm/v1beta2"
	controlplanev1beta1 "sigs.k8s.io/cluster-api/api/controlplane/kubeadm/v1beta1" //nolint:staticcheck // As long as upstream takes it, people have it.
	controlplanev1 "sigs.k8s.io/cluster-api/api/controlplane/kubeadm/v1beta2"
	clusterv1beta1 "sigs.k8s.io/cluster-api/api/core/v1beta1" //nolint:staticcheck // As long as upstream takes it, people have it.
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	bootstrapconversion "sigs.k8s.io/cluster-api/bootstrap/kubeadm/webhooks/conversion"
	controlplaneconversion "sigs.k8s.io/cluster-api/controlplane/kubeadm/webhooks/conversion"
	coreconversion "sigs.k8s.io/cluster-api/core/webhooks/conversion"
	"sigs.k8s.io/controller-runtime/pkg/webhook/conversion"
)

var (
	kubeadmControlPlaneKind   = controlplanev1.GroupVersion.WithKind("KubeadmControlPlane")
	kubeadmConfigKind         = bootstrapv1.GroupVersion.WithKind("KubeadmConfig")
	kubeadmConfigTemplateKind = bootstrapv1.GroupVersion.WithKind("KubeadmConfigTemplate")
)

// hubKinds are the kinds that have an older version, in the version that upstream's
// controllers work with, and their converters.
var hubKinds = map[schema.GroupVersionKind]func(*runtime.Scheme) (conversion.Converter, error){
	kubeadmControlPlaneKind:   controlplaneconversion.KubeadmControlPlane,
	kubeadmConfigKind:         bootstrapconversion.KubeadmConfig,
	kubeadmConfigTemplateKind: bootstrapconversion.KubeadmConfigTemplate,
	controlplanev1.GroupVersion.WithKind("KubeadmControlPlaneTemplate"): controlplaneconversion.KubeadmControlPlaneTemplate,
	clusterv1.GroupVersion.WithKind("ClusterClass"):                     coreconversion.ClusterClass,
	clusterv1.GroupVersion.WithKind(clusterv1.ClusterKind):              coreconversion.Cluster,
}

var hubScheme = sync.OnceValues(func() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	builder := runtime.NewSchemeBuilder(bootstrapv1beta1.AddToScheme, bootstrapv1.AddToScheme,
		controlplanev1beta1.AddToScheme, controlplanev1.AddToScheme, clusterv1beta1.AddToScheme, clusterv1.AddToScheme)
	return scheme, builder.AddToScheme(scheme)
})

// inHub returns the object in the version that upstream's controllers work with,
// converted as the webhooks of its provider do. Objects that are in this version,
// of kinds that have no other, or that cannot be read, are returned as they are.
func inHub(obj *unstructured.Unstructured) *unstructured.Unstructured {
	kind := obj.GroupVersionKind()
	for hub, newConverter := range hubKinds {
		if kind.GroupKind() != hub.GroupKind() || kind.Version == hub.Version {
			continue
		}
		if converted, err := convert(defaulted(obj), hub, newConverter); err == nil {
			return converted
		}
	}
	return obj
}

// bothInHub returns two objects in the version that upstream's controllers work
// with. What an object declares to be empty does not survive conversion; if they
// were of different versions, that is no difference.
func bothInHub(before, after *unstructured.Unstructured) (old, updated *unstructured.Unstructured) {
	old, updated = inHub(before), inHub(after)
	if before.GroupVersionKind() != after.GroupVersionKind() {
		return withoutEmpty(old), withoutEmpty(updated)
	}
	return old, updated
}

// isConverted says that the API server converts an object to another version to compare
// it with what is wanted, and that the outcome is not known: only the provider of its
// kind can convert it. As long as the two say the same, in spite of their versions, they
// are taken to be the same. Fields that are left out do not matter.
func isConverted(before, after *unstructured.Unstructured, without ...[]string) bool {
	if before == nil || after == nil {
		return false
	}
	before, after = bothInHub(before, after)
	if before.GroupVersionKind() == after.GroupVersionKind() || before.GroupVersionKind().GroupKind() != after.GroupVersionKind().GroupKind() {
		return false
	}
	before, after = before.DeepCopy(), after.DeepCopy()
	for _, field := range without {
		unstructured.RemoveNestedField(before.Object, field...)
		unstructured.RemoveNestedField(after.Object, field...)
	}
	return !sameValue(before.Object["spec"], after.Object["spec"])
}

// withoutEmpty returns the object as its type writes it, if that is known.
func withoutEmpty(obj *unstructured.Unstructured) *unstructured.Unstructured {
	scheme, err := hubScheme()
	if err != nil {
		return obj
	}
	typed, err := scheme.New(obj.GroupVersionKind())
	if err != nil || runtime.DefaultUnstructuredConverter.FromUnstructured(obj.Object, typed) != nil {
		return obj
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(typed)
	if err != nil {
		return obj
	}
	return &unstructured.Unstructured{Object: content}
}

// convert waits for nothing: the converters need an API server only for references to
// objects, in older versions.
//
//nolint:contextcheck,nolintlint // So there is nothing to cancel either; for callers, of which nolintlint does not know.
func convert(obj *unstructured.Unstructured, kind schema.GroupVersionKind, newConverter func(*runtime.Scheme) (conversion.Converter, error)) (*unstructured.Unstructured, error) {
	scheme, err := hubScheme()
	if err != nil {
		return nil, err
	}
	converter, err := newConverter(scheme)
	if err != nil {
		return nil, err
	}
	from, err := scheme.New(obj.GroupVersionKind())
	if err != nil {
		return nil, err
	}
	to, err := scheme.New(kind)
	if err != nil {
		return nil, err
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(obj.Object, from); err != nil {
		return nil, err
	}
	to.GetObjectKind().SetGroupVersionKind(kind)
	if err := converter.ConvertObject(context.Background(), from, to); err != nil {
		return nil, err
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(to)
	// What a template makes has no status; converters write down what they found none of.
	delete(content, "status")
	return &unstructured.Unstructured{Object: content}, err
}
