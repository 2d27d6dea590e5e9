// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	clusterctlv1 "sigs.k8s.io/cluster-api/cmd/clusterctl/api/v1alpha3"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// parallelApplies bounds the requests under way at once; the CustomResourceDefinitions are large, and an API server on
// two cores takes its time to publish each.
const parallelApplies = 6

// Install installs the bundled provider called name, or brings an installed one to what this binary holds. It returns
// when the objects are applied; Pending tells when they work.
func Install(ctx context.Context, cluster *management.Cluster, name string, image Image) error {
	provider, err := config.Find(name)
	if err != nil {
		return err
	}
	stages, err := installation{provider, image}.stages()
	if err != nil {
		return err
	}
	for _, stage := range stages {
		group, stageCtx := errgroup.WithContext(ctx)
		group.SetLimit(parallelApplies)
		for _, object := range stage {
			group.Go(func() error { return apply(stageCtx, cluster, object) })
		}
		if err := group.Wait(); err != nil {
			return fmt.Errorf("installing provider %s: %w", name, err)
		}
	}
	return nil
}

// apply repeats what is refused only for the moment: kinds whose CustomResourceDefinition is a moment old are not
// served yet, and several providers create the inventory's at once.
func apply(ctx context.Context, cluster *management.Cluster, object client.Object) error {
	return retry(ctx, func() error { return cluster.Apply(ctx, object) }, func(err error) bool {
		return management.IsAbsent(err) || apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err)
	})
}

// Status is what is installed of a provider.
type Status struct {
	// Version in clusterctl's inventory.
	Version string
	// Image of the controllers.
	Image string
}

// Installed returns what is installed of the provider called name, or nil if nothing is.
func Installed(ctx context.Context, cluster *management.Cluster, name string) (*Status, error) {
	provider, err := config.Find(name)
	if err != nil {
		return nil, err
	}
	deployment := &appsv1.Deployment{}
	key := client.ObjectKey{Namespace: provider.Namespace, Name: installation{Provider: provider}.deployment()}
	if err := cluster.Get(ctx, key, deployment); err != nil {
		return nil, ignoreAbsent(err, "reading Deployment %s", key)
	}
	entry := &clusterctlv1.Provider{}
	key = client.ObjectKey{Namespace: provider.Namespace, Name: provider.Name}
	if err := cluster.Get(ctx, key, entry); err != nil {
		return nil, ignoreAbsent(err, "reading Provider %s of the inventory", key)
	}
	status := &Status{Version: entry.Version}
	for _, container := range deployment.Spec.Template.Spec.Containers {
		if container.Name == "manager" {
			status.Image = container.Image
		}
	}
	return status, nil
}

// ignoreAbsent is nil if err says that an object, or its kind, is not there.
func ignoreAbsent(err error, format string, args ...any) error {
	if err == nil || management.IsAbsent(err) {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}
