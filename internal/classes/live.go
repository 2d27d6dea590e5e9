// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package classes

import (
	"context"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

// liveFor is for how long a class that was read serves the other clusters of the
// same plan, which may be hundreds.
const liveFor = 10 * time.Second

// liveClass is the last answer to the question for a class. Errors are no answers.
type liveClass struct {
	mu        sync.Mutex
	readAt    time.Time
	blueprint *topology.Blueprint
}

type liveKey struct {
	cluster *management.Cluster
	class   client.ObjectKey
}

// liveClasses are the classes that were read in a session, by liveKey.
type liveClasses struct{ sync.Map }

// Live reads a class and its templates from a management cluster, at most every
// ten seconds. The blueprint is nil if only the controllers can say what the
// class's variables are, and have not said it yet. It must not be changed.
func Live(ctx context.Context, s *session.Session, mgmt *management.Cluster, key client.ObjectKey) (*topology.Blueprint, error) {
	value, _ := session.Part[liveClasses](s).LoadOrStore(liveKey{mgmt, key}, &liveClass{})
	last, _ := value.(*liveClass)
	last.mu.Lock()
	defer last.mu.Unlock()
	if time.Since(last.readAt) <= liveFor {
		return last.blueprint, nil
	}
	blueprint, err := readBlueprint(ctx, mgmt, key)
	if err != nil {
		return nil, err
	}
	last.blueprint, last.readAt = blueprint, time.Now()
	return blueprint, nil
}

func readBlueprint(ctx context.Context, mgmt *management.Cluster, key client.ObjectKey) (*topology.Blueprint, error) {
	class := &clusterv1.ClusterClass{}
	if err := mgmt.Get(ctx, key, class); err != nil {
		return nil, err
	}
	usable := topology.Usable(class)
	if usable == nil {
		return nil, nil
	}
	blueprint := &topology.Blueprint{Class: usable}
	for _, ref := range topology.TemplateRefs(class) {
		template, err := readTemplate(ctx, mgmt, key.Namespace, ref)
		if err != nil {
			return nil, err
		}
		if template != nil {
			blueprint.Templates = append(blueprint.Templates, template)
		}
	}
	return blueprint, nil
}

// readTemplate reads a template, and of it what was declared: clusters are rendered from the same content whether the class is
// planned in the same configuration or read. It is nil if there is none.
func readTemplate(ctx context.Context, mgmt *management.Cluster, namespace string, ref clusterv1.ClusterClassTemplateReference) (*unstructured.Unstructured, error) {
	template := &unstructured.Unstructured{}
	template.SetGroupVersionKind(ref.GroupVersionKind())
	err := mgmt.Get(ctx, client.ObjectKey{Namespace: namespace, Name: ref.Name}, template)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	content, err := management.Importable(template)
	if err != nil {
		return nil, err
	}
	declared := &unstructured.Unstructured{Object: content}
	declared.SetGroupVersionKind(ref.GroupVersionKind())
	declared.SetNamespace(template.GetNamespace())
	declared.SetName(template.GetName())
	return declared, nil
}
