// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package upstream

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	utilyaml "sigs.k8s.io/cluster-api/util/yaml"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// renderTemplates returns the cluster templates and cluster classes in folder, by the file names that clusterctl looks
// for: those that are files, and those that are made by kustomize.
func renderTemplates(folder string) (map[string][]byte, error) {
	sources, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		return nil, err
	}
	kustomizations, err := filepath.Glob(filepath.Join(folder, "*", "kustomization.yaml"))
	if err != nil {
		return nil, err
	}
	templates := map[string][]byte{}
	for _, source := range append(sources, kustomizations...) {
		var content []byte
		name := filepath.Base(source)
		if slices.Contains(kustomizations, source) {
			name = filepath.Base(filepath.Dir(source)) + ".yaml"
			content, err = kustomize(filepath.Dir(source))
		} else {
			content, err = os.ReadFile(source)
		}
		if err == nil {
			content, err = withoutMachinePools(content)
		}
		if err != nil {
			return nil, fmt.Errorf("template %s: %w", source, err)
		}
		templates[name] = content
	}
	return templates, nil
}

func kustomize(folder string) ([]byte, error) {
	options := krusty.MakeDefaultOptions()
	// The templates share files that are beside their folders.
	options.LoadRestrictions = types.LoadRestrictionsNone
	resources, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), folder)
	if err != nil {
		return nil, err
	}
	return resources.AsYaml()
}

// withoutMachinePools leaves the machine pools out of a template, which our Docker provider refuses.
func withoutMachinePools(template []byte) ([]byte, error) {
	objects, err := utilyaml.ToUnstructured(template)
	if err != nil {
		return nil, err
	}
	var unused []clusterv1.ClusterClassTemplateReference
	for _, object := range objects {
		switch object.GetKind() {
		case "Cluster":
			unstructured.RemoveNestedField(object.Object, "spec", "topology", "workers", "machinePools")
		case "ClusterClass":
			class := &clusterv1.ClusterClass{}
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, class); err != nil {
				return nil, err
			}
			unused = removeMachinePools(class)
			if object.Object["spec"], err = runtime.DefaultUnstructuredConverter.ToUnstructured(&class.Spec); err != nil {
				return nil, err
			}
		}
	}
	objects = slices.DeleteFunc(objects, func(object unstructured.Unstructured) bool {
		return strings.Contains(object.GetKind(), "MachinePool") ||
			slices.ContainsFunc(unused, func(reference clusterv1.ClusterClassTemplateReference) bool {
				return reference.Kind == object.GetKind() && reference.Name == object.GetName()
			})
	})
	return utilyaml.FromUnstructured(objects)
}

// removeMachinePools removes a class's machine pools, and the patches of them: Cluster API refuses patches of what a
// class does not have. It returns the templates that nothing refers to any more.
func removeMachinePools(class *clusterv1.ClusterClass) []clusterv1.ClusterClassTemplateReference {
	var unused []clusterv1.ClusterClassTemplateReference
	for _, pool := range class.Spec.Workers.MachinePools {
		unused = append(unused, pool.Bootstrap.TemplateRef, pool.Infrastructure.TemplateRef)
	}
	class.Spec.Workers.MachinePools = nil
	for i := range class.Spec.Patches {
		patch := &class.Spec.Patches[i]
		patch.Definitions = slices.DeleteFunc(patch.Definitions, func(definition clusterv1.PatchDefinition) bool {
			return definition.Selector.MatchResources.MachinePoolClass != nil
		})
	}
	class.Spec.Patches = slices.DeleteFunc(class.Spec.Patches, func(patch clusterv1.ClusterClassPatch) bool {
		return len(patch.Definitions) == 0 && patch.External == nil
	})
	return unused
}
