// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kubeconfig_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	tfresource "github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/echoprovider"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dockerv1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/kubeconfig"
)

func TestMain(m *testing.M) { os.Exit(acctest.Run(m)) }

const address = kubeconfig.ResourceType + ".test"

type environment struct {
	*acctest.Environment
	factories map[string]func() (tfprotov6.ProviderServer, error)
}

func setUp(t *testing.T) environment {
	t.Helper()
	acctest.NeedTerraform(t)
	env := acctest.NeedAPIServer(t)
	factories := acctest.Provider{
		Resolver:           env.Resolver(),
		ResourceList:       []func() tfresource.Resource{kubeconfig.NewResource},
		DataSourceList:     []func() datasource.DataSource{kubeconfig.NewDataSource},
		EphemeralResources: []func() ephemeral.EphemeralResource{kubeconfig.NewEphemeral},
	}.Factories()
	factories["echo"] = echoprovider.NewProviderServer()
	return environment{Environment: env, factories: factories}
}

// create makes an object that goes with the test.
func (e environment) create(t *testing.T, obj client.Object) {
	t.Helper()
	if err := e.Cluster.Create(t.Context(), obj); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Cluster.Delete(context.WithoutCancel(t.Context()), obj) })
}

// cluster makes a Cluster whose infrastructure is reached from the host.
func (e environment) cluster(t *testing.T, name, hostEndpoint string) {
	t.Helper()
	const kind = "DockerCluster"
	infrastructure := &unstructured.Unstructured{}
	infrastructure.SetGroupVersionKind(dockerv1.GroupVersion.WithKind(kind))
	infrastructure.SetNamespace("default")
	infrastructure.SetName(name)
	infrastructure.SetAnnotations(map[string]string{dockerv1.HostEndpointAnnotation: hostEndpoint})
	e.create(t, infrastructure)
	e.create(t, &clusterv1.Cluster{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}, Spec: clusterv1.ClusterSpec{
		InfrastructureRef: clusterv1.ContractVersionedObjectReference{APIGroup: dockerv1.GroupVersion.Group, Kind: kind, Name: name},
	}})
}

func (e environment) secret(t *testing.T, name string, expires time.Time) *corev1.Secret {
	t.Helper()
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name + "-kubeconfig"},
		Data:       map[string][]byte{"value": kubeconfigFor(t, "https://"+name+"-lb:6443", expires)},
	}
	e.create(t, secret)
	return secret
}

func kubeconfigFor(t *testing.T, server string, expires time.Time) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: expires}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	config := clientcmdapi.NewConfig()
	config.Clusters["c"] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: []byte("CA")}
	config.AuthInfos["admin"] = &clientcmdapi.AuthInfo{
		ClientCertificateData: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		ClientKeyData:         []byte("KEY"),
	}
	config.Contexts["admin@c"] = &clientcmdapi.Context{Cluster: "c", AuthInfo: "admin"}
	config.CurrentContext = "admin@c"
	raw, err := clientcmd.Write(*config)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func config(name, extra string) string {
	return fmt.Sprintf("resource \"capi_kubeconfig\" \"test\" {\n  cluster_id = \"kind://envtest/default/%s\"\n  %s\n}\n", name, extra)
}

func value(attribute string, check knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(address, tfjsonpath.New(attribute), check)
}

// The stored kubeconfig has an address for each side, keeps its bytes, and follows
// the renewal of its certificate.
//
// The guide's common error "x509: certificate signed by unknown authority", and mistake "Using generated kubeconfig directly".
func TestIntegrationKubeconfig(t *testing.T) {
	env := setUp(t)
	env.cluster(t, "stored", "127.0.0.1:33001")
	first, renewed := time.Date(2031, 1, 2, 3, 4, 5, 0, time.UTC), time.Date(2032, 1, 2, 3, 4, 5, 0, time.UTC)
	secret := env.secret(t, "stored", first)
	external, internal := config("stored", ""), config("stored", `endpoint = "internal"`)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.factories,
		Steps: []resource.TestStep{
			{
				Config: external,
				ConfigStateChecks: []statecheck.StateCheck{
					value("host", knownvalue.StringExact("https://127.0.0.1:33001")),
					value("kubeconfig", knownvalue.StringRegexp(regexp.MustCompile("server: https://127.0.0.1:33001\n"))),
					value("cluster_ca_certificate", knownvalue.StringExact("CA")),
					value("client_key", knownvalue.StringExact("KEY")),
					value("client_certificate", knownvalue.StringRegexp(regexp.MustCompile("BEGIN CERTIFICATE"))),
					value("expires_at", knownvalue.StringExact("2031-01-02T03:04:05Z")),
					statecheck.ExpectSensitiveValue(address, tfjsonpath.New("kubeconfig")),
					statecheck.ExpectSensitiveValue(address, tfjsonpath.New("client_key")),
				},
			},
			{Config: external, PlanOnly: true},
			{
				ResourceName: address, ImportState: true, ImportStateId: "kind://envtest/default/stored",
				ImportStateVerify: true, ImportStateVerifyIdentifierAttribute: "cluster_id", ImportStateVerifyIgnore: []string{"timeouts"},
			},
			{
				Config: internal,
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(address, plancheck.ResourceActionUpdate),
				}},
				ConfigStateChecks: []statecheck.StateCheck{
					value("host", knownvalue.StringExact("https://stored-lb:6443")),
					value("kubeconfig", knownvalue.StringExact(string(secret.Data["value"]))),
				},
			},
			{
				PreConfig: func() {
					secret.Data["value"] = kubeconfigFor(t, "https://stored-lb:6443", renewed)
					if err := env.Cluster.Update(t.Context(), secret); err != nil {
						t.Fatal(err)
					}
				},
				RefreshState:      true,
				RefreshPlanChecks: resource.RefreshPlanChecks{PostRefresh: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}},
			},
			{
				Config:            internal,
				ConfigStateChecks: []statecheck.StateCheck{value("expires_at", knownvalue.StringExact("2032-01-02T03:04:05Z"))},
			},
		},
	})
}

// A kubeconfig that comes late is waited for, one that never comes is explained.
func TestIntegrationKubeconfigLate(t *testing.T) {
	env := setUp(t)
	env.cluster(t, "late", "127.0.0.1:33002")
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.factories,
		Steps: []resource.TestStep{
			{Config: config("late", `timeouts = { create = "2s" }`), ExpectError: regexp.MustCompile(`(?s)Timed out waiting.*Secret\s+default/late-kubeconfig`)},
			{
				PreConfig: func() {
					late := &corev1.Secret{
						ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "late-kubeconfig"},
						Data:       map[string][]byte{"value": kubeconfigFor(t, "https://late-lb:6443", time.Now().Add(time.Hour))},
					}
					t.Cleanup(func() { _ = env.Cluster.Delete(context.WithoutCancel(t.Context()), late) })
					time.AfterFunc(time.Second, func() {
						if err := env.Cluster.Create(context.WithoutCancel(t.Context()), late); err != nil {
							t.Error(err)
						}
					})
				},
				Config: config("late", ""), ConfigStateChecks: []statecheck.StateCheck{value("host", knownvalue.StringExact("https://127.0.0.1:33002"))},
			},
			{Config: config("nowhere", ""), ExpectError: regexp.MustCompile(`(?s)Cluster not found.*default/nowhere`)},
			{Config: strings.Replace(config("late", ""), "kind://envtest/default/late", "late", 1), ExpectError: regexp.MustCompile(`(?s)not the id of a capi_cluster`)},
		},
	})
}

func echo(cluster, name string) string {
	return fmt.Sprintf(`
ephemeral "capi_kubeconfig" "%[2]s" {
  cluster_id = "kind://envtest/default/%[1]s"
}
provider "echo" {
  data = ephemeral.capi_kubeconfig.%[2]s
}
resource "echo" %[2]q {}
`, cluster, name)
}

// The ephemeral kubeconfig has the same values, and null for a cluster that is
// gone, so that nothing stands in the way of destroying what is left.
func TestIntegrationKubeconfigEphemeral(t *testing.T) {
	env := setUp(t)
	env.cluster(t, "fleeting", "127.0.0.1:33003")
	env.secret(t, "fleeting", time.Now().Add(time.Hour))
	data := func(attribute string) tfjsonpath.Path { return tfjsonpath.New("data").AtMapKey(attribute) }
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.factories,
		Steps: []resource.TestStep{
			{
				Config: echo("fleeting", "test"),
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue("echo.test", data("host"), knownvalue.StringExact("https://127.0.0.1:33003")),
					statecheck.ExpectKnownValue("echo.test", data("client_key"), knownvalue.StringExact("KEY")),
				},
			},
			{Config: echo("gone", "other"),
				ConfigStateChecks: []statecheck.StateCheck{statecheck.ExpectKnownValue("echo.other", data("host"), knownvalue.Null())}},
		},
	})
}
