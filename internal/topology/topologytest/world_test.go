// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topologytest

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	utilyaml "sigs.k8s.io/cluster-api/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

func TestMain(m *testing.M) { os.Exit(acctest.Run(m)) }

// world is what is declared: a class, its templates, and one cluster.
type world struct {
	// blueprint has everything in the present version of its API; served is what is there.
	blueprint topology.Blueprint
	// old are the templates that there are in an older version of their API, by their
	// places among the templates.
	old     map[int]bool
	cluster *clusterv1.Cluster
}

// newWorld has upstream's quick-start class with another class of workers, and a
// cluster of it, in a namespace.
func newWorld(t *testing.T, namespace string) *world {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/cluster-api/test").Output()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "infrastructure/docker/templates/clusterclass-quick-start.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	objects, err := utilyaml.ToUnstructured(content)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{old: map[int]bool{}, cluster: &clusterv1.Cluster{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "web"}}}
	for _, object := range objects {
		object.SetNamespace(namespace)
		if object.GetKind() != "ClusterClass" {
			w.blueprint.Templates = append(w.blueprint.Templates, &object)
			continue
		}
		w.blueprint.Class = &clusterv1.ClusterClass{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, w.blueprint.Class); err != nil {
			t.Fatal(err)
		}
	}
	workers := &w.blueprint.Class.Spec.Workers
	other := workers.MachineDeployments[0].DeepCopy()
	other.Class, other.FailureDomain = "other-worker", "fd6"
	workers.MachineDeployments = append(workers.MachineDeployments, *other)
	w.cluster.Spec.Topology = clusterv1.Topology{
		ClassRef:     clusterv1.ClusterClassRef{Name: w.blueprint.Class.Name},
		Version:      "v1.30.0",
		ControlPlane: clusterv1.ControlPlaneTopology{Replicas: ptr.To[int32](3)},
		Workers: clusterv1.WorkersTopology{
			MachineDeployments: []clusterv1.MachineDeploymentTopology{
				{Name: "md-0", Class: "default-worker", Replicas: ptr.To[int32](2)},
				{Name: "md-1", Class: "other-worker", Replicas: ptr.To[int32](1)},
			},
			MachinePools: []clusterv1.MachinePoolTopology{{Name: "mp-0", Class: "default-worker", Replicas: ptr.To[int32](1)}},
		},
	}
	return w
}

func (w *world) deepCopy() *world {
	c := &world{cluster: w.cluster.DeepCopy(), blueprint: topology.Blueprint{Class: w.blueprint.Class.DeepCopy()}, old: maps.Clone(w.old)}
	for _, template := range w.blueprint.Templates {
		c.blueprint.Templates = append(c.blueprint.Templates, template.DeepCopy())
	}
	return c
}

// template returns the one that a reference names, to be changed.
func (w *world) template(ref clusterv1.ClusterClassTemplateReference) *unstructured.Unstructured {
	for _, template := range w.blueprint.Templates {
		if template.GetKind() == ref.Kind && template.GetName() == ref.Name {
			return template
		}
	}
	panic("there is no template " + ref.Name)
}

// references of the class to templates.
func (w *world) references() []*clusterv1.ClusterClassTemplateReference {
	spec := &w.blueprint.Class.Spec
	refs := []*clusterv1.ClusterClassTemplateReference{&spec.Infrastructure.TemplateRef, &spec.ControlPlane.TemplateRef,
		&spec.ControlPlane.MachineInfrastructure.TemplateRef}
	for i := range spec.Workers.MachineDeployments {
		refs = append(refs, &spec.Workers.MachineDeployments[i].Bootstrap.TemplateRef, &spec.Workers.MachineDeployments[i].Infrastructure.TemplateRef)
	}
	for i := range spec.Workers.MachinePools {
		refs = append(refs, &spec.Workers.MachinePools[i].Bootstrap.TemplateRef, &spec.Workers.MachinePools[i].Infrastructure.TemplateRef)
	}
	return refs
}

// rename gives every template the name that its content makes, as the provider
// does, so that none ever changes.
func (w *world) rename() error {
	renamed := map[string]string{}
	for i, template := range w.blueprint.Templates {
		old := template.GetName()
		content := map[string]any{"spec": template.Object["spec"], "labels": fmt.Sprint(template.GetLabels()), "old": w.old[i]}
		name, err := topology.TemplateName(w.blueprint.Class.Name, fmt.Sprint(strings.ToLower(template.GetKind()), i), content)
		if err != nil {
			return err
		}
		renamed[template.GetKind()+old] = name
		template.SetName(name)
	}
	for _, ref := range w.references() {
		ref.Name = renamed[ref.Kind+ref.Name]
	}
	return nil
}

// apply makes the API server have what is declared.
func (w *world) apply(ctx context.Context, c client.Client) error {
	if err := client.IgnoreAlreadyExists(c.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.cluster.Namespace}})); err != nil {
		return err
	}
	blueprint, err := w.served()
	if err != nil {
		return err
	}
	for _, template := range blueprint.Templates {
		if err := client.IgnoreAlreadyExists(c.Create(ctx, template.DeepCopy())); err != nil {
			return fmt.Errorf("creating %s %s: %w", template.GetKind(), template.GetName(), err)
		}
	}
	for _, object := range []client.Object{blueprint.Class, w.cluster} {
		if _, err := applied(ctx, c, object); err != nil {
			return err
		}
	}
	return nil
}

// applied applies what is declared of an object, and returns what it is then.
func applied(ctx context.Context, c client.Client, object client.Object, options ...client.ApplyOption) (*unstructured.Unstructured, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil, err
	}
	delete(content, "status")
	intent := &unstructured.Unstructured{Object: content}
	kind, err := c.GroupVersionKindFor(object)
	if err != nil {
		return nil, err
	}
	intent.SetGroupVersionKind(kind)
	err = c.Apply(ctx, client.ApplyConfigurationFromUnstructured(intent), append(options, client.FieldOwner("test"), client.ForceOwnership)...)
	if err != nil {
		return nil, fmt.Errorf("applying %s: %w", intent.GetKind(), err)
	}
	return intent, nil
}

// planned is the Cluster as it will stand in the API, which a dry run tells.
func (w *world) planned(ctx context.Context, c client.Client) (*clusterv1.Cluster, error) {
	object, err := applied(ctx, c, w.cluster, client.DryRunAll)
	if err != nil {
		return nil, err
	}
	cluster := &clusterv1.Cluster{}
	return cluster, runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, cluster)
}
