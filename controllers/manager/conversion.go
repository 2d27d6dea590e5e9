// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/util/contract"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// contracts that CAPI 1.14 understands, preferred first. The v1beta1 contract goes away with CAPI 1.16.
var contracts = []string{"v1beta2", "v1beta1"}

// APIVersionGetter answers which API version of a kind to use: the newest that its CRD's contract label names. The
// conversion webhooks need it, because references in the v1beta2 types carry no version while those in v1beta1 do.
// The rule is the CAPI contract's ("API version labels").
func APIVersionGetter(reader client.Reader) func(context.Context, schema.GroupKind) (string, error) {
	return func(ctx context.Context, gk schema.GroupKind) (string, error) {
		crd := &metav1.PartialObjectMetadata{}
		crd.SetGroupVersionKind(apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition"))
		crd.SetName(contract.CalculateCRDName(gk.Group, gk.Kind))
		if err := reader.Get(ctx, client.ObjectKeyFromObject(crd), crd); err != nil {
			return "", fmt.Errorf("finding the API version of %s: %w", gk, err)
		}
		for _, name := range contracts {
			label := crd.GetLabels()[clusterv1.GroupVersion.Group+"/"+name]
			if label == "" {
				continue
			}
			newest := slices.MaxFunc(strings.Split(label, "_"), version.CompareKubeAwareVersionStrings)
			return schema.GroupVersion{Group: gk.Group, Version: newest}.String(), nil
		}
		return "", fmt.Errorf("finding the API version of %s: CustomResourceDefinition %s has no label for any of the contracts %s",
			gk, crd.GetName(), strings.Join(contracts, ", "))
	}
}
