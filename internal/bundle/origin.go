// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"context"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	clusterctlv1 "sigs.k8s.io/cluster-api/cmd/clusterctl/api/v1alpha3"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// Who installs providers.
const (
	ByTerraform  = "terraform-provider-capi"
	ByClusterctl = "clusterctl"
	ByOperator   = "cluster-api-operator"
)

// OriginOf is who made an entry of the inventory, as far as the entry tells: the operator makes entries like clusterctl's.
func OriginOf(entry *clusterctlv1.Provider) string { return originOf(entry, nil) }

// originOf is who made an entry of the inventory. The operator has objects of its own beside it.
func originOf(entry *clusterctlv1.Provider, operated *Other) string {
	switch {
	case operated != nil:
		return ByOperator
	case entry.Annotations[releaseAnnotation] != "":
		return ByTerraform
	}
	return ByClusterctl
}

// Other is an installation of a provider that is not where this one installs it, or not this one's to change.
type Other struct {
	// Origin is who installed it, as far as that can be told.
	Origin string
	// Version is empty if that is not known.
	Version string
	// Object says what there is, as Kind namespace/name.
	Object string
}

// String names the installation in messages.
func (o Other) String() string {
	text := o.Object
	if o.Version != "" {
		text += " of version " + o.Version
	}
	if o.Origin != "" {
		text += ", installed by " + o.Origin
	}
	return text
}

// Others are installations of the bundled provider called name that others made: in another namespace, or by the operator. A
// second installation would reconcile the same objects.
func Others(ctx context.Context, cluster *management.Cluster, name string) ([]Other, error) {
	provider, err := config.Find(name)
	if err != nil {
		return nil, err
	}
	operated, err := operatedBy(ctx, cluster, provider)
	if err != nil {
		return nil, err
	}
	var others []Other
	if operated != nil {
		others = append(others, *operated)
	}
	inventory := &clusterctlv1.ProviderList{}
	if err := cluster.List(ctx, inventory); ignoreAbsent(err, "") != nil {
		return nil, fmt.Errorf("listing the inventory of providers: %w", err)
	}
	for i := range inventory.Items {
		entry := &inventory.Items[i]
		if entry.ProviderName == shortName(provider) && entry.Type == string(provider.Type) && entry.Namespace != provider.Namespace {
			others = append(others, Other{originOf(entry, operated), entry.Version, "Provider " + client.ObjectKeyFromObject(entry).String()})
		}
	}
	controllers := &appsv1.DeploymentList{}
	if err := cluster.List(ctx, controllers, client.MatchingLabels{clusterv1.ProviderNameLabel: name}); err != nil {
		return nil, fmt.Errorf("listing Deployments: %w", err)
	}
	for i := range controllers.Items {
		key := client.ObjectKeyFromObject(&controllers.Items[i])
		known := slices.ContainsFunc(others, func(other Other) bool { return strings.HasPrefix(other.Object, "Provider "+key.Namespace+"/") })
		if key.Namespace != provider.Namespace && !known {
			others = append(others, Other{Object: "Deployment " + key.String()})
		}
	}
	return others, nil
}

// operatorGroup is the API group of cluster-api-operator.
const operatorGroup = "operator.cluster.x-k8s.io"

// operatedBy is the operator's object for a provider, nil if there is none. The operator's kinds are the types of the
// inventory.
func operatedBy(ctx context.Context, cluster *management.Cluster, provider config.Provider) (*Other, error) {
	gvk, err := cluster.Served(operatorGroup, string(provider.Type))
	if management.IsAbsent(err) {
		return nil, nil //nolint:nilnil // No object is an answer.
	}
	if err != nil {
		return nil, fmt.Errorf("looking for cluster-api-operator: %w", err)
	}
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(gvk)
	if err := cluster.List(ctx, list); ignoreAbsent(err, "") != nil {
		return nil, fmt.Errorf("listing %s of cluster-api-operator: %w", gvk.Kind, err)
	}
	for i := range list.Items {
		object := &list.Items[i]
		if object.GetName() != shortName(provider) {
			continue
		}
		version, _, _ := unstructured.NestedString(object.Object, "status", "installedVersion")
		return &Other{ByOperator, version, gvk.Kind + " " + client.ObjectKeyFromObject(object).String()}, nil
	}
	return nil, nil //nolint:nilnil // No object is an answer.
}
