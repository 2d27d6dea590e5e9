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
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	authenticationv1 "k8s.io/api/authentication/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// live makes a Cluster that is the API server of the test itself, so that it can issue credentials.
func (e environment) live(t *testing.T, name string) {
	t.Helper()
	config, err := clientcmd.RESTConfigFromKubeConfig([]byte(e.Kubeconfig))
	if err != nil {
		t.Fatal(err)
	}
	e.cluster(t, name, config.Host[len("https://"):])
	e.create(t, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name + "-kubeconfig"},
		Data:       map[string][]byte{"value": []byte(e.Kubeconfig)},
	})
}

// signer signs what is approved, as kube-controller-manager does, which the API server of tests comes without. It shortens
// what is asked for to lifetime.
type signer struct {
	lifetime atomic.Int64
}

func (s *signer) run(t *testing.T, env environment) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			requests := &certificatesv1.CertificateSigningRequestList{}
			_ = env.Cluster.List(ctx, requests)
			for i := range requests.Items {
				request := &requests.Items[i]
				if len(request.Status.Certificate) > 0 || !slices.ContainsFunc(request.Status.Conditions, func(c certificatesv1.CertificateSigningRequestCondition) bool {
					return c.Type == certificatesv1.CertificateApproved
				}) {
					continue
				}
				request.Status.Certificate = s.sign(t, key, request.Spec)
				_ = env.Cluster.Status().Update(ctx, request)
			}
			<-time.After(50 * time.Millisecond)
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
}

func (s *signer) sign(t *testing.T, key *ecdsa.PrivateKey, spec certificatesv1.CertificateSigningRequestSpec) []byte {
	t.Helper()
	block, _ := pem.Decode(spec.Request)
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		t.Error(err)
		return nil
	}
	lifetime := min(time.Duration(*spec.ExpirationSeconds)*time.Second, time.Duration(s.lifetime.Load()))
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: request.Subject, NotAfter: time.Now().Add(lifetime)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, request.PublicKey, key)
	if err != nil {
		t.Error(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// A user's certificate is issued by the cluster, says when it really expires, and is replaced in good time.
func TestIntegrationUserCertificate(t *testing.T) {
	env := setUp(t)
	env.live(t, "users")
	s := &signer{}
	s.lifetime.Store(int64(time.Hour))
	s.run(t, env)
	config := func(groups string, extra ...string) string {
		return config("users", fmt.Sprintf("user = \"jane\"\n  groups = [%s]\n  ttl = \"8760h\"\n  %s", groups, strings.Join(extra, "\n")))
	}
	var key string
	keyChanged := func(want bool) resource.TestCheckFunc {
		return resource.TestCheckResourceAttrWith(address, "client_key", func(now string) error {
			if (now != key) != want {
				return fmt.Errorf("a new key: %t, want %t", now != key, want)
			}
			key = now
			return nil
		})
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.factories,
		Steps: []resource.TestStep{
			{
				Config: config(`"devs"`),
				Check: resource.ComposeTestCheckFunc(
					resource.TestCheckResourceAttrWith(address, "client_certificate", isFor("jane", "devs")),
					resource.TestCheckResourceAttrWith(address, "expires_at", isIn(time.Hour)),
					resource.TestMatchResourceAttr(address, "kubeconfig", regexp.MustCompile(`(?s)current-context: jane@.*name: jane\n`)),
					resource.TestCheckNoResourceAttr(address, "token"), keyChanged(true),
				),
				ConfigStateChecks: []statecheck.StateCheck{statecheck.ExpectSensitiveValue(address, tfjsonpath.New("client_key"))},
			},
			{Config: config(`"devs"`), ConfigPlanChecks: emptyPlan, Check: keyChanged(false)},
			{
				// What is not about the identity keeps the credentials.
				Config: config(`"devs"`, `timeouts = { update = "1m" }`),
				Check:  resource.ComposeTestCheckFunc(keyChanged(false), resource.TestCheckResourceAttrWith(address, "expires_at", isIn(time.Hour))),
			},
			{
				PreConfig: func() { s.lifetime.Store(int64(6 * time.Second)) },
				Config:    config(`"devs", "ops"`),
				Check: resource.ComposeTestCheckFunc(
					resource.TestCheckResourceAttrWith(address, "client_certificate", isFor("jane", "devs", "ops")), keyChanged(true),
				),
			},
			{
				PreConfig: func() {
					s.lifetime.Store(int64(time.Hour))
					<-time.After(5 * time.Second)
				},
				Config: config(`"devs", "ops"`),
				ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(address, plancheck.ResourceActionUpdate), plancheck.ExpectUnknownValue(address, tfjsonpath.New("client_key")),
				}},
				Check: resource.ComposeTestCheckFunc(resource.TestCheckResourceAttrWith(address, "expires_at", isIn(time.Hour)), keyChanged(true)),
			},
		},
	})
	left := &certificatesv1.CertificateSigningRequestList{}
	if err := env.Cluster.List(t.Context(), left); err != nil || len(left.Items) > 0 {
		t.Errorf("left are %d requests: %v", len(left.Items), err)
	}
}

var emptyPlan = resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()}}

// isFor says whom a certificate is for.
func isFor(user string, groups ...string) resource.CheckResourceAttrWithFunc {
	return func(text string) error {
		block, _ := pem.Decode([]byte(text))
		if block == nil {
			return fmt.Errorf("not a certificate: %s", text)
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return err
		}
		if got := certificate.Subject; got.CommonName != user || !slices.Equal(slices.Sorted(slices.Values(got.Organization)), groups) {
			return fmt.Errorf("the certificate is for %s", got)
		}
		return nil
	}
}

// isIn says that a time is about that far away.
func isIn(want time.Duration) resource.CheckResourceAttrWithFunc {
	return func(text string) error {
		at, err := time.Parse(time.RFC3339, text)
		if left := time.Until(at); err != nil || left > want+time.Minute || left < want-10*time.Minute {
			return fmt.Errorf("it is in %s: %w", left, err)
		}
		return nil
	}
}

// A service account's token is accepted by the cluster as that account's.
func TestIntegrationServiceAccountToken(t *testing.T) {
	env := setUp(t)
	env.live(t, "accounts")
	env.create(t, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "ci"}})
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.factories,
		Steps: []resource.TestStep{
			{
				Config:      config("accounts", `service_account = { name = "nobody" }`),
				ExpectError: regexp.MustCompile(`(?s)Credentials not issued.*no ServiceAccount\s+default/nobody`),
			},
			{
				Config: config("accounts", "service_account = { name = \"ci\" }\n  ttl = \"1h\""),
				Check: resource.ComposeTestCheckFunc(
					resource.TestCheckResourceAttrWith(address, "expires_at", isIn(time.Hour)),
					resource.TestCheckResourceAttrWith(address, "token", isSensible),
					resource.TestCheckNoResourceAttr(address, "client_key"),
					resource.TestCheckResourceAttrWith(address, "kubeconfig", authenticates("system:serviceaccount:default:ci")),
				),
			},
			{Config: config("accounts", "service_account = { name = \"ci\" }\n  ttl = \"1h\""), ConfigPlanChecks: emptyPlan},
		},
	})
}

func isSensible(token string) error {
	if len(token) < 100 {
		return fmt.Errorf("%q is not a token", token)
	}
	return nil
}

// authenticates uses a kubeconfig, and says as whom.
func authenticates(want string) resource.CheckResourceAttrWithFunc {
	return func(text string) error {
		config, err := clientcmd.RESTConfigFromKubeConfig([]byte(text))
		if err != nil {
			return err
		}
		cluster, err := management.NewCluster(context.Background(), "", config)
		if err != nil {
			return err
		}
		review := &authenticationv1.SelfSubjectReview{}
		if err := cluster.Create(context.Background(), review); err != nil {
			return err
		}
		if got := review.Status.UserInfo.Username; got != want {
			return fmt.Errorf("the cluster takes the user for %q", got)
		}
		return nil
	}
}

// A user who can write the Secret must not be able to run commands or read files on the machine that runs Terraform.
func TestIntegrationKubeconfigWithCommands(t *testing.T) {
	env := setUp(t)
	env.cluster(t, "commands", "127.0.0.1:33010")
	ran := filepath.Join(t.TempDir(), "ran")
	stored := clientcmdapi.NewConfig()
	stored.Clusters["c"] = &clientcmdapi.Cluster{Server: "https://127.0.0.1:1"}
	stored.AuthInfos["u"] = &clientcmdapi.AuthInfo{Exec: &clientcmdapi.ExecConfig{
		APIVersion: "client.authentication.k8s.io/v1", Command: "touch", Args: []string{ran}, InteractiveMode: clientcmdapi.NeverExecInteractiveMode,
	}}
	stored.Contexts["x"] = &clientcmdapi.Context{Cluster: "c", AuthInfo: "u"}
	stored.CurrentContext = "x"
	raw, err := clientcmd.Write(*stored)
	if err != nil {
		t.Fatal(err)
	}
	env.create(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "commands-kubeconfig"}, Data: map[string][]byte{"value": raw}})
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.factories,
		Steps: []resource.TestStep{{
			Config: config("commands", `user = "jane"`), ExpectError: regexp.MustCompile(`(?s)Credentials not issued.*names\s+commands or files`),
		}},
	})
	if _, err := os.Stat(ran); err == nil {
		t.Error("the command ran")
	}
}

func TestIntegrationKubeconfigBadInput(t *testing.T) {
	env := setUp(t)
	for name, test := range map[string]struct{ extra, want string }{
		"masters":              {"user = \"jane\"\n groups = [\"devs\", \"system:masters\"]", `(?s)system:masters are not\s+issued.*cluster-admin`},
		"ttl without identity": {`ttl = "1h"`, `Missing identity`},
		"short ttl":            {"user = \"jane\"\n ttl = \"5m\"", `is too short`},
		"groups without user":  {`groups = ["devs"]`, `(?s)"user" must be specified`},
		"two identities":       {"user = \"jane\"\n service_account = { name = \"ci\" }", `(?s)"service_account" cannot be specified`},
		"no name":              {`service_account = { name = "A B" }`, `(?s)"A B" is not valid`},
	} {
		t.Run(name, func(t *testing.T) {
			resource.UnitTest(t, resource.TestCase{
				ProtoV6ProviderFactories: env.factories,
				Steps:                    []resource.TestStep{{Config: config("none", test.extra), PlanOnly: true, ExpectError: regexp.MustCompile(test.want)}},
			})
		})
	}
}

// The ephemeral resource has new credentials issued each time, and says so if the cluster is gone.
func TestIntegrationKubeconfigEphemeralIdentity(t *testing.T) {
	env := setUp(t)
	env.live(t, "guests")
	env.create(t, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "guest"}})
	config := func(cluster, extra string) string {
		return fmt.Sprintf("ephemeral \"capi_kubeconfig\" \"test\" {\n  cluster_id = \"kind://envtest/default/%s\"\n  %s\n}\n"+
			"provider \"echo\" {\n  data = ephemeral.capi_kubeconfig.test\n}\nresource \"echo\" \"test\" {}\n", cluster, extra)
	}
	data := func(attribute string) tfjsonpath.Path { return tfjsonpath.New("data").AtMapKey(attribute) }
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.factories,
		Steps: []resource.TestStep{
			{
				Config: config("guests", `service_account = { namespace = "default", name = "guest" }`),
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownValue("echo.test", data("client_key"), knownvalue.Null()),
					statecheck.ExpectKnownValue("echo.test", data("expires_at"), knownvalue.NotNull()),
				},
				Check: func(s *terraform.State) error {
					return authenticates("system:serviceaccount:default:guest")(s.RootModule().Resources["echo.test"].Primary.Attributes["data.kubeconfig"])
				},
			},
			{Config: config("gone", `on_missing = "error"`), ExpectError: regexp.MustCompile("Cluster not found")},
			// The destroy at the end opens it, too.
			{Config: config("guests", `service_account = { name = "guest" }`)},
		},
	})
}

// The data source reads the kubeconfig of a cluster that another configuration manages.
func TestIntegrationKubeconfigDataSource(t *testing.T) {
	env := setUp(t)
	env.cluster(t, "shared", "127.0.0.1:33009")
	config := func(name string) string {
		return fmt.Sprintf("data \"capi_kubeconfig\" \"test\" {\n  cluster_id = \"kind://envtest/default/%s\"\n}\n", name)
	}
	value := func(attribute string, check knownvalue.Check) statecheck.StateCheck {
		return statecheck.ExpectKnownValue("data.capi_kubeconfig.test", tfjsonpath.New(attribute), check)
	}
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: env.factories,
		Steps: []resource.TestStep{
			{Config: config("shared"), ExpectError: regexp.MustCompile(`(?s)No kubeconfig yet.*default/shared-kubeconfig`)},
			{
				PreConfig: func() { env.secret(t, "shared", time.Date(2031, 1, 2, 3, 4, 5, 0, time.UTC)) },
				Config:    config("shared"),
				ConfigStateChecks: []statecheck.StateCheck{
					value("host", knownvalue.StringExact("https://127.0.0.1:33009")), value("client_key", knownvalue.StringExact("KEY")),
					value("expires_at", knownvalue.StringExact("2031-01-02T03:04:05Z")),
					statecheck.ExpectSensitiveValue("data.capi_kubeconfig.test", tfjsonpath.New("kubeconfig")),
				},
			},
			{Config: config("nowhere"), ExpectError: regexp.MustCompile(`(?s)Cluster not found.*default/nowhere`)},
		},
	})
}
