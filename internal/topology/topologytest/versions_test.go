// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topologytest

import (
	"context"
	"math/rand/v2"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	bootstrapv1beta1 "sigs.k8s.io/cluster-api/api/bootstrap/kubeadm/v1beta1"
	bootstrapv1 "sigs.k8s.io/cluster-api/api/bootstrap/kubeadm/v1beta2"
	controlplanev1beta1 "sigs.k8s.io/cluster-api/api/controlplane/kubeadm/v1beta1"
	controlplanev1 "sigs.k8s.io/cluster-api/api/controlplane/kubeadm/v1beta2"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	bootstrapconversion "sigs.k8s.io/cluster-api/bootstrap/kubeadm/webhooks/conversion"
	controlplaneconversion "sigs.k8s.io/cluster-api/controlplane/kubeadm/webhooks/conversion"

	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

const (
	oldVersion           = "v1beta1"
	controlPlaneTemplate = "KubeadmControlPlaneTemplate"
)

// versionEdits move templates between the versions of their API.
var versionEdits = []edit{
	{"version of the control plane's template", func(w *world, _ *rand.Rand) { w.toggle(w.blueprint.Class.Spec.ControlPlane.TemplateRef) }},
	{"version of the bootstrap template of workers", func(w *world, r *rand.Rand) { w.toggle(w.anyMDClass(r).Bootstrap.TemplateRef) }},
	{"version of the control plane's template, and its commands", func(w *world, r *rand.Rand) {
		w.toggle(w.blueprint.Class.Spec.ControlPlane.TemplateRef)
		set(w.kcpTemplate(), []any{pick(r, "true", "false")}, "spec", "template", "spec", "kubeadmConfigSpec", "postKubeadmCommands")
	}},
	{"version of the bootstrap template, and its files", func(w *world, r *rand.Rand) {
		ref := w.anyMDClass(r).Bootstrap.TemplateRef
		w.toggle(ref)
		set(w.template(ref), file(r), "spec", "template", "spec", "files")
	}},
}

func (w *world) toggle(ref clusterv1.ClusterClassTemplateReference) {
	i := slices.Index(w.blueprint.Templates, w.template(ref))
	w.old[i] = !w.old[i]
}

// served is the class with its templates in the versions that they are declared in.
func (w *world) served() (topology.Blueprint, error) {
	c := w.deepCopy()
	for i, template := range c.blueprint.Templates {
		if !c.old[i] {
			continue
		}
		group := template.GroupVersionKind().Group
		for _, ref := range c.references() {
			if ref.Kind == template.GetKind() && ref.Name == template.GetName() {
				ref.APIVersion = schema.GroupVersion{Group: group, Version: oldVersion}.String()
			}
		}
		older, err := inOldVersion(template)
		if err != nil {
			return topology.Blueprint{}, err
		}
		c.blueprint.Templates[i] = older
	}
	c.selectVersions()
	return c.blueprint, nil
}

// selectVersions has the patches select the templates in the versions that they have.
func (w *world) selectVersions() {
	spec := &w.blueprint.Class.Spec
	for i := range spec.Patches {
		for j := range spec.Patches[i].Definitions {
			selector := &spec.Patches[i].Definitions[j].Selector
			switch classes := selector.MatchResources.MachineDeploymentClass; {
			case selector.Kind == controlPlaneTemplate:
				selector.APIVersion = spec.ControlPlane.TemplateRef.APIVersion
			case selector.Kind == "KubeadmConfigTemplate" && classes != nil:
				k := slices.IndexFunc(spec.Workers.MachineDeployments, func(c clusterv1.MachineDeploymentClass) bool { return c.Class == classes.Names[0] })
				selector.APIVersion = spec.Workers.MachineDeployments[k].Bootstrap.TemplateRef.APIVersion
			}
		}
	}
	if spec.ControlPlane.TemplateRef.APIVersion == controlplanev1beta1.GroupVersion.String() {
		// It adds arguments as the present version has them.
		w.dropPatches("podSecurityStandard")
	}
}

// inOldVersion converts a template of kubeadm's kinds back, as its provider's webhook does,
// but for what that notes down to restore what the old version has not.
func inOldVersion(template *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	var err error
	older := map[string]any{}
	if template.GetKind() == controlPlaneTemplate {
		from, to := &controlplanev1.KubeadmControlPlaneTemplate{}, &controlplanev1beta1.KubeadmControlPlaneTemplate{}
		if err = runtime.DefaultUnstructuredConverter.FromUnstructured(template.Object, from); err == nil {
			err = controlplaneconversion.ConvertKubeadmControlPlaneTemplateHubToV1Beta1(context.Background(), from, to)
		}
		if err == nil {
			older, err = runtime.DefaultUnstructuredConverter.ToUnstructured(to)
		}
	} else {
		from, to := &bootstrapv1.KubeadmConfigTemplate{}, &bootstrapv1beta1.KubeadmConfigTemplate{}
		if err = runtime.DefaultUnstructuredConverter.FromUnstructured(template.Object, from); err == nil {
			err = bootstrapconversion.ConvertKubeadmConfigTemplateHubToV1Beta1(context.Background(), from, to)
		}
		if err == nil {
			older, err = runtime.DefaultUnstructuredConverter.ToUnstructured(to)
		}
	}
	object := &unstructured.Unstructured{Object: older}
	object.SetGroupVersionKind(schema.GroupVersionKind{Group: template.GroupVersionKind().Group, Version: oldVersion, Kind: template.GetKind()})
	object.SetAnnotations(nil)
	return object, err
}
