// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/acctest/identitytest"
	"github.com/terraform-capi/terraform-provider-capi/internal/cluster"
	"github.com/terraform-capi/terraform-provider-capi/internal/clusterclass"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// identitySubject is a cluster whose class exists until the end of the test.
func identitySubject(t *testing.T, env environment, name string) identitytest.Subject {
	t.Helper()
	c := newConfiguration(name)
	env.makeClass(t, c)
	return identitytest.Subject{
		Renames:  true,
		Provider: env.provider, Type: cluster.ResourceType, Config: c.cluster,
		Change: object{"labels": object{"tier": "changed"}},
		Object: &clusterv1.Cluster{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}},
	}
}

// makeClass makes the class of a configuration, until the end of the test.
func (e environment) makeClass(t *testing.T, c *configuration) {
	t.Helper()
	protocol := e.provider.Protocol(t)
	config := acctest.Value(t, protocol.Type(clusterclass.ResourceType), c.class)
	_, diagnostics := protocol.Apply(t, clusterclass.ResourceType, protocol.Plan(t, clusterclass.ResourceType, config, acctest.Object{}))
	if len(diagnostics) > 0 {
		t.Fatalf("the class: %v", acctest.Summaries(diagnostics))
	}
	t.Cleanup(func() {
		found := &clusterv1.ClusterClass{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: fmt.Sprint(c.class["name"])}}
		if err := e.Cluster.Delete(context.WithoutCancel(t.Context()), found); client.IgnoreNotFound(err) != nil {
			t.Error(err)
		}
	})
}

func TestIntegrationClusterAnswers(t *testing.T) {
	env := setUp(t)
	identitySubject(t, env, "answers").Answers(t)
}

func TestIntegrationClusterCreations(t *testing.T) {
	env := setUp(t)
	identitySubject(t, env, "creations").Creations(t)
}

func TestIntegrationClusterRestricted(t *testing.T) {
	env := setUp(t)
	identitySubject(t, env, "restricted").Restricted(t)
}

func TestIntegrationClusterReplacements(t *testing.T) {
	env := setUp(t)
	identitySubject(t, env, "replacements").Replacements(t)
}

func TestIntegrationClusterTwins(t *testing.T) {
	env := setUp(t)
	identitySubject(t, env, "twins").Twins(t)
}

// A creation that lasts, and that another apply takes for cut off, is the other's.
func TestIntegrationClusterCreationOvertaken(t *testing.T) {
	env := setUp(t)
	c := newConfiguration("overtaken")
	env.makeClass(t, c)
	key := client.ObjectKey{Namespace: "default", Name: "overtaken"}
	env.controllers.Hold(key)
	overtake := make(chan error, 1)
	go func() {
		overtake <- wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
			found := &clusterv1.Cluster{}
			if err := env.Cluster.Get(ctx, key, found); err != nil || !strings.HasSuffix(found.Annotations[management.CreationAnnotation], "/1") {
				return false, client.IgnoreNotFound(err)
			}
			found.Annotations[management.CreationAnnotation] = "another/1"
			err := env.Cluster.Update(ctx, found)
			return err == nil, ignoreConflict(err)
		})
		env.controllers.Release(key)
	}()
	protocol := env.provider.Protocol(t)
	config := acctest.Value(t, protocol.Type(cluster.ResourceType), c.cluster)
	applied, diagnostics := protocol.Apply(t, cluster.ResourceType, protocol.Plan(t, cluster.ResourceType, config, acctest.Object{}))
	if err := <-overtake; err != nil {
		t.Fatal(err)
	}
	if got := acctest.Summaries(diagnostics); !slices.Equal(got, []string{"ERROR: Creation taken over"}) || applied.Exists() {
		t.Errorf("in the state: %t, diagnostics are %q", applied.Exists(), got)
	}
	if mark := env.get(t, key.Name).Annotations[management.CreationAnnotation]; mark != "another/1" {
		t.Errorf("the mark of the other apply is now %q", mark)
	}
	env.delete(t, key.Name)
}
