// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster_test

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/util/secret"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/clusterclass"
)

// certificateAuthority is the Secret with which Cluster API says who signs the certificates of a cluster.
func certificateAuthority(namespace, name string, controlPlane *httptest.Server) *corev1.Secret {
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: controlPlane.Certificate().Raw})
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: secret.Name(name, secret.ClusterCA)},
		Data:       map[string][]byte{secret.TLSCrtDataName: certificate},
	}
}

// move does to a Cluster what clusterctl move does to it.
func (e environment) move(t *testing.T, name, namespace string, controlPlane *httptest.Server) {
	t.Helper()
	source := e.get(t, name)
	moved := &clusterv1.Cluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: source.Labels, Annotations: source.Annotations},
		Spec:       source.Spec,
	}
	if err := e.Cluster.Create(t.Context(), certificateAuthority(namespace, name, controlPlane)); err != nil {
		t.Fatal(err)
	}
	if err := e.Cluster.Create(t.Context(), moved); err != nil {
		t.Fatal(err)
	}
	e.delete(t, name)
}

func (e environment) deleteClass(t *testing.T, name string) {
	t.Helper()
	class := &clusterv1.ClusterClass{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
	if err := e.Cluster.Delete(t.Context(), class); err != nil {
		t.Fatal(err)
	}
}

// controlPlane answers at host and port as the control plane of a cluster that is to be created. It also makes the
// namespace that the cluster is to be moved to.
func (e environment) controlPlane(t *testing.T, name, target string) (server *httptest.Server, host, port string) {
	t.Helper()
	server = httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	for _, obj := range []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: target}}, certificateAuthority("default", name, server),
	} {
		if err := e.Cluster.Create(t.Context(), obj); err != nil {
			t.Fatal(err)
		}
	}
	host, port, _ = strings.Cut(server.Listener.Addr().String(), ":")
	return server, host, port
}

// Until the configuration says where a cluster was moved to, Terraform neither changes nor destroys it, whatever becomes
// of its class.
func TestIntegrationClusterElsewhere(t *testing.T) {
	env := setUp(t)
	const name, target = "away", "away-to"
	controlPlane, host, port := env.controlPlane(t, name, target)
	config := func(namespace string, workers int) string {
		hcl := clusterHCL{
			Name: name, Version: "v1.34.3", Workers: workers,
			Extra: fmt.Sprintf("control_plane_endpoint = { host = %q, port = %s }\n  namespace = %q", host, port, namespace),
		}
		return strings.Replace(hcl.String(), "    version ", "    class_namespace = \"default\"\n    version ", 1)
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.provider.Factories(),
		Steps: []resource.TestStep{
			{Config: config("default", 0)},
			{PreConfig: func() { env.move(t, name, target, controlPlane) }, Config: config("default", 0), PlanOnly: true},
			{
				// The class was moved as well. Nothing proves that it is the same one there.
				PreConfig: func() { env.deleteClass(t, name+"-class") },
				Config:    config("default", 0), PlanOnly: true, ExpectNonEmptyPlan: true,
				ConfigPlanChecks: resource.ConfigPlanChecks{PostApplyPostRefresh: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(clusterclass.ResourceType+".test", plancheck.ResourceActionCreate),
					plancheck.ExpectResourceAction(address, plancheck.ResourceActionNoop),
				}},
			},
			{Config: config("default", 1), ExpectError: says(`Cluster is not where the state says.*Cluster default/away was not changed`)},
			{Config: config("default", 0), Destroy: true, ExpectError: says(`Cluster is not where the state says.*Cluster default/away was not deleted`)},
			{
				Config:           config(target, 0),
				ConfigPlanChecks: action(plancheck.ResourceActionUpdate),
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue(address, tfjsonpath.New("id"), knownvalue.StringExact("kind://envtest/"+target+"/"+name)), ready(true),
				},
			},
		},
	})
}
