// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"slices"
	"strconv"

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
	"github.com/terraform-capi/terraform-provider-capi/internal/live"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

const (
	// continuationLabel is on a Secret that goes on with the manifest of the one
	// before it.
	continuationLabel = "terraform-capi.io/continuation"
	// manifestKey is the key of a manifest in its Secret.
	manifestKey = "manifest.yaml"
	// versionAnnotation on the ClusterResourceSet says that its manifests are write-only, and which version they are.
	versionAnnotation = "terraform-capi.io/manifests-wo-version"
)

// cni is the network plugin of a cluster: a name, manifests or neither.
type cni struct {
	name      string
	manifests []string
	// version says that the manifests are write-only, and which version they are.
	// Only the configuration has them.
	version *int64
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
	version, _ := m.CNI.Attributes()["manifests_wo_version"].(types.Int64)
	plugin.version = version.ValueInt64Pointer()
	return plugin, nil
}

// value is the attribute that declares the plugin.
func (c cni) value() types.Object {
	t, _ := attributeTypes["cni"].(types.ObjectType)
	attributes := map[string]attr.Value{
		"name": types.StringNull(), "manifests": types.ListNull(types.StringType),
		"manifests_wo": types.ListNull(types.StringType), "manifests_wo_version": types.Int64PointerValue(c.version),
	}
	switch {
	case c.version != nil:
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
		c.declarePods(cluster)
	}
	if len(c.manifests) > 0 || c.version != nil {
		labels := cluster.GetLabels()
		if labels == nil {
			labels = map[string]string{}
		}
		labels[live.CNILabel] = cluster.GetName()
		cluster.SetLabels(labels)
	}
}

// apply makes the objects that hold the manifests what they should be, and
// removes those that are left over from a longer list.
func (c cni) apply(ctx context.Context, mgmt *management.Cluster, cluster *clusterv1.Cluster) error {
	secrets, err := c.secrets(cluster)
	if err != nil {
		return err
	}
	for _, secret := range secrets {
		if err := applyOwn(ctx, mgmt, cluster, secret); err != nil {
			return err
		}
	}
	if len(secrets) > 0 {
		if err := applyOwn(ctx, mgmt, cluster, c.resourceSet(cluster, secrets)); err != nil {
			return err
		}
	}
	return removeLeftovers(ctx, mgmt, cluster, secrets)
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
	case !live.MadeFor(cluster, existing):
		gvk, _ := mgmt.GroupVersionKindFor(obj)
		return fmt.Errorf("%s %s exists and was not made for this cluster by Terraform: delete it, or rename the cluster", gvk.Kind, client.ObjectKeyFromObject(obj))
	}
	return mgmt.ApplyTo(ctx, obj, existing.GetUID())
}

// deleteOwn deletes an object that is the cluster's, and leaves others alone.
func deleteOwn(ctx context.Context, mgmt *management.Cluster, cluster *clusterv1.Cluster, obj client.Object) error {
	if err := mgmt.Get(ctx, client.ObjectKeyFromObject(obj), obj); err != nil || !live.MadeFor(cluster, obj) {
		return client.IgnoreNotFound(err)
	}
	return client.IgnoreNotFound(mgmt.Delete(ctx, obj, client.Preconditions{UID: ptr.To(obj.GetUID())}))
}

// removeLeftovers removes what is not needed beside the wanted Secrets.
func removeLeftovers(ctx context.Context, mgmt *management.Cluster, cluster *clusterv1.Cluster, wanted []*corev1.Secret) error {
	if len(wanted) == 0 {
		set := &addonsv1.ClusterResourceSet{ObjectMeta: cniMeta(cluster, "")}
		if err := deleteOwn(ctx, mgmt, cluster, set); err != nil && !meta.IsNoMatchError(err) {
			return err
		}
	}
	secrets, err := cniSecrets(ctx, mgmt, cluster)
	if err != nil {
		return err
	}
	for _, secret := range secrets {
		if slices.ContainsFunc(wanted, func(w *corev1.Secret) bool { return w.Name == secret.Name }) {
			continue
		}
		if err := deleteOwn(ctx, mgmt, cluster, &secret); err != nil {
			return err
		}
	}
	return nil
}

func cniSecrets(ctx context.Context, mgmt *management.Cluster, cluster *clusterv1.Cluster) ([]corev1.Secret, error) {
	secrets := &corev1.SecretList{}
	err := mgmt.List(ctx, secrets, client.InNamespace(cluster.Namespace), client.MatchingLabels{live.CNILabel: cluster.Name})
	return secrets.Items, err
}

// secrets hold the manifests, in their order. One that is too large for a Secret
// is in several, of which all but the first are labelled as a continuation.
func (c cni) secrets(cluster *clusterv1.Cluster) ([]*corev1.Secret, error) {
	var secrets []*corev1.Secret
	for i, manifest := range c.manifests {
		parts, err := splitManifest(manifest)
		if err != nil {
			return nil, fmt.Errorf("cni.manifests[%d]: %w", i, err)
		}
		for j, part := range parts {
			suffix := fmt.Sprintf("-%d", i)
			if j > 0 {
				suffix += fmt.Sprintf("-%d", j)
			}
			secret := &corev1.Secret{
				ObjectMeta: cniMeta(cluster, suffix),
				Type:       addonsv1.ClusterResourceSetSecretType,
				Data:       map[string][]byte{manifestKey: []byte(part)},
			}
			if j > 0 {
				secret.Labels[continuationLabel] = "true"
			}
			secrets = append(secrets, secret)
		}
	}
	return secrets, nil
}

func (c cni) resourceSet(cluster *clusterv1.Cluster, secrets []*corev1.Secret) *addonsv1.ClusterResourceSet {
	set := &addonsv1.ClusterResourceSet{ObjectMeta: cniMeta(cluster, "")}
	if c.version != nil {
		set.Annotations = map[string]string{versionAnnotation: strconv.FormatInt(*c.version, 10)}
	}
	set.Spec.ClusterSelector.MatchLabels = map[string]string{live.CNILabel: cluster.Name}
	set.Spec.SetTypedStrategy(addonsv1.ClusterResourceSetStrategyReconcile)
	for _, secret := range secrets {
		set.Spec.Resources = append(set.Spec.Resources, addonsv1.ResourceRef{
			Kind: string(addonsv1.SecretClusterResourceSetResourceKind),
			Name: secret.Name,
		})
	}
	return set
}

// cniMeta makes the Cluster the owner, so that the object goes with it.
func cniMeta(cluster *clusterv1.Cluster, suffix string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: cluster.Namespace,
		Name:      live.ResourceSetName(cluster) + suffix,
		Labels:    map[string]string{live.CNILabel: cluster.Name},
		OwnerReferences: []metav1.OwnerReference{{
			APIVersion: clusterv1.GroupVersion.String(),
			Kind:       clusterv1.ClusterKind,
			Name:       cluster.Name,
			UID:        cluster.UID,
			Controller: ptr.To(false),
		}},
	}
}

// readCNI finds out which plugin the live cluster is set up with. Manifests that are
// write-only, there or in the state, are not read: of them there is only the version,
// and none if they are not what was applied.
func readCNI(ctx context.Context, mgmt *management.Cluster, cluster *clusterv1.Cluster, state cni) (cni, error) {
	if cluster.Annotations[dockerv1.CNIAnnotation] == dockerv1.CNINodeImage {
		return cni{name: cniKindnet}, nil
	}
	if cluster.Labels[live.CNILabel] != cluster.Name {
		return cni{}, nil
	}
	set := &addonsv1.ClusterResourceSet{}
	err := mgmt.Get(ctx, client.ObjectKey{Namespace: cluster.Namespace, Name: cluster.Name + "-cni"}, set)
	if err != nil || !live.MadeFor(cluster, set) {
		return cni{}, client.IgnoreNotFound(err)
	}
	secrets, err := cniSecrets(ctx, mgmt, cluster)
	if err != nil {
		return cni{}, err
	}
	own := map[string]*corev1.Secret{}
	for i := range secrets {
		if live.MadeFor(cluster, &secrets[i]) {
			own[secrets[i].Name] = &secrets[i]
		}
	}
	if _, writeOnly := set.Annotations[versionAnnotation]; writeOnly || state.version != nil {
		return cni{version: appliedVersion(set, own)}, nil
	}
	plugin := cni{}
	for _, ref := range set.Spec.Resources {
		secret, found := own[ref.Name]
		if !found {
			continue
		}
		content := string(secret.Data[manifestKey])
		if last := len(plugin.manifests) - 1; last >= 0 && secret.Labels[continuationLabel] != "" {
			plugin.manifests[last] += content
			continue
		}
		plugin.manifests = append(plugin.manifests, content)
	}
	return plugin, nil
}
