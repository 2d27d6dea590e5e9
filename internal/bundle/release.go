// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/version"
	apiversion "k8s.io/apimachinery/pkg/version"
	clusterctlv1 "sigs.k8s.io/cluster-api/cmd/clusterctl/api/v1alpha3"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// releaseAnnotation is on a provider's entry in clusterctl's inventory: the version of the Terraform provider that
// installed it, or began to.
const releaseAnnotation = "terraform-capi.io/provider-version"

// Release is what a provider is installed from.
type Release struct {
	// Provider is the version of this Terraform provider, for example 0.1.0; empty if another tool installed it. A build
	// from source that was given no version calls itself dev.
	Provider string
	// ClusterAPI is the version of Cluster API, for example v1.14.2.
	ClusterAPI string
}

// Own is the release in this binary, whose own version is given.
func Own(provider string) Release { return Release{Provider: provider, ClusterAPI: Version()} }

// ReleaseOf is the release that an entry in clusterctl's inventory speaks of.
func ReleaseOf(entry *clusterctlv1.Provider) Release {
	return Release{Provider: entry.Annotations[releaseAnnotation], ClusterAPI: entry.Version}
}

// IsLaterThan says whether one of the two versions is later than in another release. Versions are compared by semantic
// versioning; what is none, like that of a build from source, is neither earlier nor later than anything.
func (r Release) IsLaterThan(other Release) bool {
	return isLater(r.Provider, other.Provider) || other.ClusterAPI != unknownVersion && isLater(r.ClusterAPI, other.ClusterAPI)
}

func isLater(a, b string) bool {
	x, errX := version.ParseSemantic(a)
	y, errY := version.ParseSemantic(b)
	return errX == nil && errY == nil && y.LessThan(x)
}

// String names the release in messages.
func (r Release) String() string {
	if r.Provider == "" {
		return "Cluster API " + r.ClusterAPI
	}
	return fmt.Sprintf("version %s of this Terraform provider, with Cluster API %s", r.Provider, r.ClusterAPI)
}

// StoredKind is a kind whose objects may be stored in versions that the bundled definition of the kind does not have.
type StoredKind struct {
	// CRD is the name of the CustomResourceDefinition.
	CRD string
	// Stored are the unknown versions that objects may be stored in, and Bundled the versions that are bundled.
	Stored, Bundled []string
}

// IsLater says whether objects may be stored in a version that is later than all that are bundled.
func (k StoredKind) IsLater() bool {
	return slices.MaxFunc(k.Stored, apiversion.CompareKubeAwareVersionStrings) == slices.MaxFunc(
		slices.Concat(k.Stored, k.Bundled), apiversion.CompareKubeAwareVersionStrings)
}

// String names the kind and its versions in messages.
func (k StoredKind) String() string {
	return fmt.Sprintf("%s: stored as %s, bundled are %s", k.CRD, strings.Join(k.Stored, ", "), strings.Join(k.Bundled, ", "))
}

// Unstorable are the kinds of a provider for which an API server refuses the bundled definitions: these lack a version in
// which objects may be stored.
func Unstorable(ctx context.Context, cluster *management.Cluster, name string) ([]StoredKind, error) {
	crds, err := crdsOf(name)
	if err != nil {
		return nil, err
	}
	var unstorable []StoredKind
	for _, crd := range crds {
		live := &apiextensionsv1.CustomResourceDefinition{}
		err := cluster.Get(ctx, client.ObjectKeyFromObject(crd), live)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading CustomResourceDefinition %s: %w", crd.Name, err)
		}
		kind := StoredKind{CRD: crd.Name}
		for _, version := range crd.Spec.Versions {
			kind.Bundled = append(kind.Bundled, version.Name)
		}
		for _, stored := range live.Status.StoredVersions {
			if !slices.Contains(kind.Bundled, stored) {
				kind.Stored = append(kind.Stored, stored)
			}
		}
		if len(kind.Stored) > 0 {
			unstorable = append(unstorable, kind)
		}
	}
	return unstorable, nil
}
