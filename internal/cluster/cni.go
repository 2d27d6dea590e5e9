// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/utils/ptr"
	addonsv1 "sigs.k8s.io/cluster-api/api/addons/v1beta2"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dockerv1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

const (
	// cniLabel on a Cluster and on what installs its network plugin has the
	// cluster's name as its value. The ClusterResourceSet selects by it.
	cniLabel = "terraform-capi.io/cni"
	// manifestKey is the key of a manifest in its Secret.
	manifestKey = "manifest.yaml"
)

// cni is the network plugin of a cluster: a name, manifests or neither.
type cni struct {
	name      string
	manifests []string
}

func (m *model) cni() (cni, error) {
	if m.CNI.IsUnknown() {
		return cni{}, tfkit.ErrUnknown
	}
	value, err := tfkit.ToAny(m.CNI)
	declared, _ := value.(map[string]any)
	if err != nil || declared == nil {
		return cni{}, err
	}
	name, _ := declared["name"].(string)
	plugin := cni{name: name}
	manifests, _ := declared["manifests"].([]any)
	for _, manifest := range manifests {
		plugin.manifests = append(plugin.manifests, fmt.Sprint(manifest))
	}
	return plugin, nil
}

// value is the attribute that declares the plugin.
func (c cni) value() types.Object {
	t, _ := attributeTypes["cni"].(types.ObjectType)
	attributes := map[string]attr.Value{"name": types.StringNull(), "manifests": types.ListNull(types.StringType)}
	switch {
	case c.name != "":
		attributes["name"] = types.StringValue(c.name)
	case c.manifests != nil:
		attributes["manifests"] = stringList(c.manifests)
	default:
		return types.ObjectNull(t.AttrTypes)
	}
	return types.ObjectValueMust(t.AttrTypes, attributes)
}

// declare puts on the Cluster what makes controllers install the plugin.
func (c cni) declare(cluster *unstructured.Unstructured) {
	if c.name == cniKindnet {
		annotations := cluster.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[dockerv1.CNIAnnotation] = dockerv1.CNINodeImage
		cluster.SetAnnotations(annotations)
	}
	if len(c.manifests) > 0 {
		labels := cluster.GetLabels()
		if labels == nil {
			labels = map[string]string{}
		}
		labels[cniLabel] = cluster.GetName()
		cluster.SetLabels(labels)
	}
}

// apply makes the objects that hold the manifests what they should be, and
// removes those that are left over from a longer list.
func (c cni) apply(ctx context.Context, mgmt *management.Cluster, cluster *clusterv1.Cluster) error {
	for i := range c.manifests {
		if err := applyOwn(ctx, mgmt, cluster, c.secret(cluster, i)); err != nil {
			return err
		}
	}
	if len(c.manifests) > 0 {
		if err := applyOwn(ctx, mgmt, cluster, c.resourceSet(cluster)); err != nil {
			return err
		}
	}
	return c.removeLeftovers(ctx, mgmt, cluster)
}

// applyOwn applies an object that is the cluster's, and refuses to take over one
// that only has its name.
func applyOwn(ctx context.Context, mgmt *management.Cluster, cluster *clusterv1.Cluster, obj client.Object) error {
	existing, _ := obj.DeepCopyObject().(client.Object)
	err := mgmt.Get(ctx, client.ObjectKeyFromObject(obj), existing)
	switch {
	case apierrors.IsNotFound(err):
		return mgmt.Apply(ctx, obj)
	case err != nil:
		return err
	case !isOwn(cluster, existing):
		gvk, _ := mgmt.GroupVersionKindFor(obj)
		return fmt.Errorf("%s %s exists and was not made for this cluster by Terraform: delete it, or rename the cluster", gvk.Kind, client.ObjectKeyFromObject(obj))
	}
	return mgmt.ApplyTo(ctx, obj, existing.GetUID())
}

// isOwn says whether an object was made for this very cluster: a name proves
// nothing, nor does a label that anybody can set.
func isOwn(cluster *clusterv1.Cluster, obj client.Object) bool {
	return obj.GetLabels()[cniLabel] == cluster.Name && slices.ContainsFunc(obj.GetOwnerReferences(), func(ref metav1.OwnerReference) bool {
		return ref.UID == cluster.UID
	})
}

// deleteOwn deletes an object that is the cluster's, and leaves others alone.
func deleteOwn(ctx context.Context, mgmt *management.Cluster, cluster *clusterv1.Cluster, obj client.Object) error {
	if err := mgmt.Get(ctx, client.ObjectKeyFromObject(obj), obj); err != nil || !isOwn(cluster, obj) {
		return client.IgnoreNotFound(err)
	}
	return client.IgnoreNotFound(mgmt.Delete(ctx, obj, client.Preconditions{UID: ptr.To(obj.GetUID())}))
}

func (c cni) removeLeftovers(ctx context.Context, mgmt *management.Cluster, cluster *clusterv1.Cluster) error {
	if len(c.manifests) == 0 {
		set := &addonsv1.ClusterResourceSet{ObjectMeta: cniMeta(cluster, "")}
		if err := deleteOwn(ctx, mgmt, cluster, set); err != nil && !meta.IsNoMatchError(err) {
			return err
		}
	}
	secrets, err := cniSecrets(ctx, mgmt, cluster)
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	for i := range c.manifests {
		wanted[c.secret(cluster, i).Name] = true
	}
	for _, secret := range secrets {
		if !wanted[secret.Name] {
			if err := deleteOwn(ctx, mgmt, cluster, &secret); err != nil {
				return err
			}
		}
	}
	return nil
}

func cniSecrets(ctx context.Context, mgmt *management.Cluster, cluster *clusterv1.Cluster) ([]corev1.Secret, error) {
	secrets := &corev1.SecretList{}
	err := mgmt.List(ctx, secrets, client.InNamespace(cluster.Namespace), client.MatchingLabels{cniLabel: cluster.Name})
	return secrets.Items, err
}

func (c cni) secret(cluster *clusterv1.Cluster, index int) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: cniMeta(cluster, fmt.Sprintf("-%d", index)),
		Type:       addonsv1.ClusterResourceSetSecretType,
		Data:       map[string][]byte{manifestKey: []byte(c.manifests[index])},
	}
}

func (c cni) resourceSet(cluster *clusterv1.Cluster) *addonsv1.ClusterResourceSet {
	set := &addonsv1.ClusterResourceSet{ObjectMeta: cniMeta(cluster, "")}
	set.Spec.ClusterSelector.MatchLabels = map[string]string{cniLabel: cluster.Name}
	set.Spec.SetTypedStrategy(addonsv1.ClusterResourceSetStrategyReconcile)
	for i := range c.manifests {
		set.Spec.Resources = append(set.Spec.Resources, addonsv1.ResourceRef{
			Kind: string(addonsv1.SecretClusterResourceSetResourceKind),
			Name: c.secret(cluster, i).Name,
		})
	}
	return set
}

// cniMeta makes the Cluster the owner, so that the object goes with it.
func cniMeta(cluster *clusterv1.Cluster, suffix string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: cluster.Namespace,
		Name:      cluster.Name + "-cni" + suffix,
		Labels:    map[string]string{cniLabel: cluster.Name},
		OwnerReferences: []metav1.OwnerReference{{
			APIVersion: clusterv1.GroupVersion.String(),
			Kind:       clusterv1.ClusterKind,
			Name:       cluster.Name,
			UID:        cluster.UID,
			Controller: ptr.To(false),
		}},
	}
}

// readCNI finds out which plugin the live cluster is set up with.
func readCNI(ctx context.Context, mgmt *management.Cluster, cluster *clusterv1.Cluster) (cni, error) {
	if cluster.Annotations[dockerv1.CNIAnnotation] == dockerv1.CNINodeImage {
		return cni{name: cniKindnet}, nil
	}
	if cluster.Labels[cniLabel] != cluster.Name {
		return cni{}, nil
	}
	set := &addonsv1.ClusterResourceSet{}
	err := mgmt.Get(ctx, client.ObjectKey{Namespace: cluster.Namespace, Name: cluster.Name + "-cni"}, set)
	if err != nil || !isOwn(cluster, set) {
		return cni{}, client.IgnoreNotFound(err)
	}
	secrets, err := cniSecrets(ctx, mgmt, cluster)
	if err != nil {
		return cni{}, err
	}
	content := map[string]string{}
	for _, secret := range secrets {
		if isOwn(cluster, &secret) {
			content[secret.Name] = string(secret.Data[manifestKey])
		}
	}
	plugin := cni{}
	for _, ref := range set.Spec.Resources {
		if manifest, ok := content[ref.Name]; ok {
			plugin.manifests = append(plugin.manifests, manifest)
		}
	}
	return plugin, nil
}
