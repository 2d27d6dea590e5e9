// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package crash_test

import (
	"context"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/capiprovider"
	"github.com/terraform-capi/terraform-provider-capi/internal/cluster"
	"github.com/terraform-capi/terraform-provider-capi/internal/clusterclass"
	"github.com/terraform-capi/terraform-provider-capi/internal/kubeconfig"
	"github.com/terraform-capi/terraform-provider-capi/internal/managementcluster"
)

type object = map[string]any

// scenario is a resource in its life.
type scenario struct {
	resourceType string
	// config declares the resource, changed an update of it. The name is no other
	// run's.
	config, changed func(t *testing.T, name string) object
	// bare says that the API server must know no kinds of Cluster API, alone also that
	// runs cannot be told apart by names.
	bare, alone bool
	// prepare makes what a run needs.
	prepare func(t *testing.T, on *suite, name string)
}

const managementID = "kind://" + managementName

// sharedClass is the class of all clusters here.
const sharedClass = "shared"

var scenarios = map[string]scenario{
	"management_cluster": {
		resourceType: managementcluster.ResourceType,
		bare:         true,
		config:       func(_ *testing.T, name string) object { return object{"name": name} },
		changed: func(t *testing.T, name string) object {
			t.Helper()
			return object{"name": name, "kubeconfig_path": t.TempDir() + "/kubeconfig"}
		},
	},
	"provider": {
		resourceType: capiprovider.ResourceType,
		bare:         true,
		alone:        true,
		config: func(*testing.T, string) object {
			return object{"management_cluster": managementID, "name": "bootstrap-kubeadm", "image": "registry.example.com/capi:1"}
		},
		changed: func(*testing.T, string) object {
			return object{"management_cluster": managementID, "name": "bootstrap-kubeadm", "image": "registry.example.com/capi:2"}
		},
	},
	"cluster_class": {
		resourceType: clusterclass.ResourceType,
		config:       func(_ *testing.T, name string) object { return classOf(name, "kindest/node:v1.34.3") },
		changed:      func(_ *testing.T, name string) object { return classOf(name, "kindest/node:v1.35.0") },
	},
	"cluster": {
		resourceType: cluster.ResourceType,
		config:       func(_ *testing.T, name string) object { return clusterOf(name, 1) },
		changed:      func(_ *testing.T, name string) object { return clusterOf(name, 2) },
	},
	"kubeconfig": {
		resourceType: kubeconfig.ResourceType,
		config:       func(_ *testing.T, name string) object { return object{"cluster_id": managementID + "/default/" + name} },
		changed: func(_ *testing.T, name string) object {
			return object{"cluster_id": managementID + "/default/" + name, "endpoint": "internal"}
		},
		prepare: makeKubeconfig,
	},
}

func template(group, kind string, spec object) object {
	return object{"template": object{"api_version": group + ".cluster.x-k8s.io/v1beta2", "kind": kind, "spec": spec}}
}

func classOf(name, image string) object {
	machine := template("infrastructure", "DockerMachineTemplate", object{"customImage": image})
	controlPlane := template("controlplane", "KubeadmControlPlaneTemplate", object{"kubeadmConfigSpec": object{"format": "cloud-config"}})
	controlPlane["machine_infrastructure"] = machine
	return object{
		"management_cluster": managementID, "name": name,
		"infrastructure": template("infrastructure", "DockerClusterTemplate", object{}),
		"control_plane":  controlPlane,
		"workers": object{"machine_deployments": object{"default-worker": object{
			"bootstrap": template("bootstrap", "KubeadmConfigTemplate", object{"format": "cloud-config"}), "infrastructure": machine,
		}}},
	}
}

func clusterOf(name string, workers int) object {
	return object{
		"management_cluster": managementID, "name": name,
		"topology": object{
			"class": sharedClass, "version": "v1.34.3", "control_plane": object{"replicas": 1},
			"workers": object{"machine_deployments": object{"md-0": object{"class": "default-worker", "replicas": workers}}},
		},
		"cni": object{"manifests": []any{fmt.Sprintf("kind: ConfigMap\napiVersion: v1\nmetadata: {name: %s, namespace: kube-system}\n", name)}},
	}
}

// makeKubeconfig makes a Cluster without a class, and its kubeconfig.
func makeKubeconfig(t *testing.T, on *suite, name string) {
	t.Helper()
	config := clientcmdapi.NewConfig()
	config.CurrentContext = name
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.Clusters[name] = &clientcmdapi.Cluster{Server: "https://" + name + ":6443", CertificateAuthorityData: []byte("CA")}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: "token"}
	content, err := clientcmd.Write(*config)
	if err != nil {
		t.Fatal(err)
	}
	on.controllers.Hold(client.ObjectKey{Namespace: "default", Name: name})
	made := &clusterv1.Cluster{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
	made.Spec.ControlPlaneEndpoint = clusterv1.APIEndpoint{Host: name, Port: 6443}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name + "-kubeconfig"}, Data: map[string][]byte{"value": content}}
	if err := on.Cluster.Create(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	if err := on.Cluster.Create(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, obj := range []client.Object{made, secret} {
			_ = on.Cluster.Delete(context.WithoutCancel(t.Context()), obj)
		}
	})
}
