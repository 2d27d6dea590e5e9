// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package management

import (
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	addonsv1 "sigs.k8s.io/cluster-api/api/addons/v1beta2"
	bootstrapv1 "sigs.k8s.io/cluster-api/api/bootstrap/kubeadm/v1beta2"
	controlplanev1 "sigs.k8s.io/cluster-api/api/controlplane/kubeadm/v1beta2"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	clusterctlv1 "sigs.k8s.io/cluster-api/cmd/clusterctl/api/v1alpha3"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
)

// Scheme knows every kind that is read from or written to a management
// cluster: Kubernetes' own, Cluster API's, the Docker provider's and clusterctl's inventory.
// Template kinds of third-party providers are handled as unstructured objects.
var Scheme = newScheme(
	clientgoscheme.AddToScheme,
	corev1.AddToScheme,
	apiextensionsv1.AddToScheme,
	clusterv1.AddToScheme,
	addonsv1.AddToScheme,
	bootstrapv1.AddToScheme,
	controlplanev1.AddToScheme,
	clusterctlv1.AddToScheme,
	infrav1.AddToScheme,
)

func newScheme(add ...func(*runtime.Scheme) error) *runtime.Scheme {
	scheme := runtime.NewScheme()
	for _, addToScheme := range add {
		utilruntime.Must(addToScheme(scheme))
	}
	return scheme
}
