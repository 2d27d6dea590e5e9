// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package managementcluster_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// clustersNetwork is the Docker network that the controllers make.
const clustersNetwork = "terraform-capi"

func TestIntegrationDestroyRemovesWhatIsLeft(t *testing.T) {
	acctest.NeedTerraform(t)
	environment := acctest.NeedAPIServer(t)
	uid := managementUID(t, environment)
	for name, want := range map[string][]string{
		"all":                  {},
		"not what others have": {"theirs"},
		"not what lives":       {"lives"},
	} {
		t.Run(name, func(t *testing.T) {
			fake := newFakeClusters(environment)
			if _, err := fake.runtime.EnsureNetwork(t.Context(), clustersNetwork); err != nil {
				t.Fatal(err)
			}
			leave(t, fake.runtime, "ours", identity.Management{UID: uid, Node: "left-control-plane"})
			for _, stays := range want {
				management := identity.Management{UID: "theirs", Node: "theirs-control-plane"}
				if stays == "lives" {
					management.UID = uid
				}
				leave(t, fake.runtime, stays, management)
				fake.runtime.WriteFile(stays, "/usr/local/lib/terraform-capi/result", []byte("exit=0\ncommand=\n\n"))
			}
			test := fake.factories()
			test.Steps = []resource.TestStep{
				{Config: config("left", "")},
				{Config: config("left", ""), Destroy: true},
			}
			resource.UnitTest(t, test)
			if diff := cmp.Diff(want, containers(t, fake.runtime)); diff != "" {
				t.Error(diff)
			}
			// The network is gone unless somebody is on it.
			removed, err := fake.runtime.RemoveUnusedNetwork(t.Context(), clustersNetwork)
			if removed || err != nil {
				t.Errorf("an unused network was left: %t, %v", removed, err)
			}
		})
	}
}

// What cannot be removed does not keep the resource in the state: there is nothing left of it.
func TestIntegrationDestroyDespiteWhatIsLeft(t *testing.T) {
	acctest.NeedTerraform(t)
	environment := acctest.NeedAPIServer(t)
	fake := newFakeClusters(environment)
	leave(t, fake.runtime, "ours", identity.Management{UID: managementUID(t, environment), Node: "left-control-plane"})
	fake.runtime.BeforeCall = func(_ context.Context, method, _ string) error {
		if method == "Remove" {
			return errors.New("the container is stuck")
		}
		return nil
	}
	test := fake.factories()
	test.Steps = []resource.TestStep{
		{Config: config("left", "")},
		{Config: config("left", ""), Destroy: true},
	}
	resource.UnitTest(t, test)
	if diff := cmp.Diff([]string{"ours"}, containers(t, fake.runtime)); diff != "" {
		t.Error(diff)
	}
}

func managementUID(t *testing.T, environment *acctest.Environment) types.UID {
	t.Helper()
	namespace := &corev1.Namespace{}
	if err := environment.Cluster.Get(t.Context(), client.ObjectKey{Name: metav1.NamespaceSystem}, namespace); err != nil {
		t.Fatal(err)
	}
	return namespace.UID
}

// leave makes a container that a management cluster left behind, of a cluster of its name.
func leave(t *testing.T, runtime *container.Fake, name string, management identity.Management) {
	t.Helper()
	owner := identity.Owner{Management: management, Namespace: "default", Cluster: name, Machine: name, Role: identity.RoleWorker}
	err := runtime.Create(t.Context(), container.Spec{Name: name, Image: image, Labels: owner.Labels(), Network: clustersNetwork})
	if err != nil {
		t.Fatal(err)
	}
}

func containers(t *testing.T, runtime *container.Fake) []string {
	t.Helper()
	list, err := runtime.List(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{}
	for _, c := range list {
		names = append(names, c.Name)
	}
	return names
}
