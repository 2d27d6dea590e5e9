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
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/util/contract"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// CoreProvider is the provider whose contract all others follow.
const CoreProvider = "cluster-api"

// Contract is the version of Cluster API's contract that the bundled providers follow.
var Contract = clusterv1.GroupVersion.Version

// CoreContracts are the versions of the contract that the installed core provider speaks: it serves its kinds in them. There
// are none if no core provider is installed.
func CoreContracts(ctx context.Context, cluster *management.Cluster) ([]string, error) {
	crd := &apiextensionsv1.CustomResourceDefinition{}
	name := contract.CalculateCRDName(clusterv1.GroupVersion.Group, clusterv1.ClusterKind)
	err := cluster.Get(ctx, client.ObjectKey{Name: name}, crd)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading CustomResourceDefinition %s: %w", name, err)
	}
	var contracts []string
	for _, version := range crd.Spec.Versions {
		if version.Served {
			contracts = append(contracts, version.Name)
		}
	}
	return contracts, nil
}

// Fits says whether a core provider that speaks these versions of the contract works with the bundled providers.
func Fits(contracts []string) bool {
	return len(contracts) == 0 || slices.Contains(contracts, Contract)
}

// longestStep is by how many minor releases Cluster API may be upgraded at once. The rule is clusterctl's, which refuses
// longer steps: stored objects are migrated release by release.
const longestStep = 3

// SkipsTooMany says whether an upgrade from an installed release to another one leaves out releases that it has to go
// through, and which release to go to first.
func (r Release) SkipsTooMany(to Release) (first string, tooMany bool) {
	from, errFrom := version.ParseSemantic(r.ClusterAPI)
	target, errTo := version.ParseSemantic(to.ClusterAPI)
	if errFrom != nil || errTo != nil || strings.HasPrefix(r.ClusterAPI, unknownVersion) || from.Major() != target.Major() {
		return "", false
	}
	if target.Minor() <= from.Minor()+longestStep {
		return "", false
	}
	return fmt.Sprintf("v%d.%d", from.Major(), from.Minor()+longestStep), true
}
