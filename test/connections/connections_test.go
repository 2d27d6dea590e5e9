// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package connections

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	certutil "k8s.io/client-go/util/cert"
	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	utilyaml "sigs.k8s.io/cluster-api/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/provider"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology/topologytest"
)

const example = "../../examples/hcp-terraform"

func TestMain(m *testing.M) { os.Exit(acctest.Run(m)) }

// setUp is an API server with the roles of the example, and a machine without Docker and kind.
func setUp(t *testing.T) *acctest.Environment {
	t.Helper()
	acctest.NeedTerraform(t)
	env := acctest.NeedAPIServer(t)
	t.Setenv("PATH", t.TempDir())
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "KUBE_") || strings.HasPrefix(name, "CAPI_") {
			t.Setenv(name, "")
		}
	}
	text, err := os.ReadFile(filepath.Join(example, "rbac.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	roles, err := utilyaml.ToUnstructured(text)
	if err != nil {
		t.Fatal(err)
	}
	for i := range roles {
		create(t, env, &roles[i])
	}
	return env
}

func create(t *testing.T, env *acctest.Environment, object client.Object) {
	t.Helper()
	if err := env.Cluster.Create(t.Context(), object); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
}

// token is one of a service account that has a role.
func token(t *testing.T, env *acctest.Environment, role string) string {
	t.Helper()
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, Name: role}}
	create(t, env, account)
	create(t, env, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: role},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: account.Namespace, Name: account.Name}},
	})
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: ptr.To[int64](3600)}}
	if err := env.Cluster.SubResource("token").Create(t.Context(), account, request); err != nil {
		t.Fatal(err)
	}
	return request.Status.Token
}

// reconcile has upstream's controllers work on the classes and clusters of namespaces until the end of the test.
func reconcile(t *testing.T, controllers *topologytest.Controllers, namespaces ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var running sync.WaitGroup
	running.Go(func() {
		for ctx.Err() == nil {
			for _, namespace := range namespaces {
				// What fails now succeeds when the next object is there.
				_ = controllers.Settle(ctx, client.ObjectKey{Namespace: namespace, Name: "quick-start"}, client.ObjectKey{Namespace: namespace, Name: "web"})
			}
			select {
			case <-ctx.Done():
			case <-time.After(50 * time.Millisecond):
			}
		}
	})
	t.Cleanup(func() { cancel(); running.Wait() })
}

// asHCL writes a text as HCL has it.
func asHCL(text string) string { return fmt.Sprintf("<<-EOT\n%s\nEOT\n", strings.TrimSpace(text)) }

// HCP Terraform plans with a read-only identity, and applies with another one. One management cluster gets its token by
// a variable, the other one by a file.
func TestIntegrationDynamicCredentials(t *testing.T) {
	env := setUp(t)
	create(t, env, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "staging"}})
	w := acctest.NewWorkspaceFor(t, provider.New("test", nil))
	w.Copy(example)
	w.Write("versions.tf", "")
	reconcile(t, topologytest.New(t, env), metav1.NamespaceDefault, "staging")
	// No machines are made here.
	w.Write("override.tf", "resource \"capi_cluster\" \"production\" {\n  wait_for = \"none\"\n}\nresource \"capi_cluster\" \"staging\" {\n  wait_for = \"none\"\n}\n")
	config := env.Cluster.RESTConfig
	management := func(namespace string) string {
		return fmt.Sprintf("{\n  host = %q\n  namespace = %q\n  cluster_ca_certificate = %s}\n", config.Host, namespace, asHCL(string(config.CAData)))
	}
	path := filepath.Join(w.Directory(), "token")
	w.Write("test.auto.tfvars", fmt.Sprintf("production = %sstaging = %stfc_kubernetes_dynamic_credentials = { aliases = { STAGING = { token_path = %q } } }\n",
		management(metav1.NamespaceDefault), management("staging"), path))
	as := func(role string) {
		t.Helper()
		identity := token(t, env, role)
		t.Setenv("KUBE_TOKEN", identity)
		// A file ends with a line break.
		w.Write("token", identity+"\n")
	}

	as("terraform-plan")
	var out string
	// Permissions take a moment to be known.
	deadline := time.Now().Add(time.Minute)
	for code := 1; code != 0; {
		if out, code = w.Try("plan", "-out=plan"); code != 0 && time.Now().After(deadline) {
			t.Fatalf("the plan failed:\n%s", out)
		}
	}
	if !strings.Contains(out, "4 to add") || !strings.Contains(out, "Not checked by the management cluster") {
		t.Errorf("the plan of a read-only identity:\n%s", out)
	}
	as("terraform-apply")
	w.Terraform("apply", "plan")
	for _, namespace := range []string{metav1.NamespaceDefault, "staging"} {
		if err := env.Cluster.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "web"}, &clusterv1.Cluster{}); err != nil {
			t.Error(err)
		}
	}
	as("terraform-plan")
	if out, code := w.Try("plan", "-detailed-exitcode"); code != 0 || strings.Contains(out, "Warning") {
		t.Errorf("a plan without changes (exit code %d):\n%s", code, out)
	}
	as("terraform-apply")
	w.Terraform("destroy", "-auto-approve")
}

// Bad connections are errors of the plan, which say where the value comes from.
func TestIntegrationBadConnections(t *testing.T) {
	env := setUp(t)
	config := env.Cluster.RESTConfig
	otherAuthority, _, err := certutil.GenerateSelfSignedCertKey("example.com", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	host := fmt.Sprintf("host = %q\n", config.Host)
	trusting := host + "cluster_ca_certificate = " + asHCL(string(config.CAData))
	kubeconfig := strings.Replace(env.Kubeconfig, "current-context: ", "current-context: no", 1)
	for name, test := range map[string]struct {
		block     string
		variables map[string]string
		want      []string
	}{
		"unreachable":       {"host = \"https://127.0.0.1:1\"\ntoken = \"x\"", nil, []string{"Management cluster unreachable", "the provider block's host, the provider block's token"}},
		"expired token":     {trusting, map[string]string{"KUBE_TOKEN": "expired"}, []string{"Credentials or certificate rejected", "the environment variable KUBE_TOKEN"}},
		"wrong authority":   {host + "token = \"x\"\ncluster_ca_certificate = " + asHCL(string(otherAuthority)), nil, []string{"Credentials or certificate rejected", "certificate that cannot be trusted"}},
		"no authority":      {host + "token = \"x\"", nil, []string{"Credentials or certificate rejected", "certificate signed by unknown authority"}},
		"missing plugin":    {trusting + "exec {\napi_version = \"client.authentication.k8s.io/v1\"\ncommand = \"no-such-plugin\"\n}", nil, []string{"The provider block's exec", "no-such-plugin"}},
		"two ways":          {trusting + "kubeconfig_path = \"x\"", nil, []string{"Two management clusters", `provider "capi"`}},
		"two, by variables": {"", map[string]string{"CAPI_HOST": "https://x", "CAPI_KUBECONFIG_PATH": "x"}, []string{"Management cluster not usable", "CAPI_KUBECONFIG_PATH", "CAPI_HOST"}},
		"missing context":   {"kubeconfig = " + asHCL(kubeconfig), nil, []string{"Invalid connection", "no context", `provider "capi"`}},
		"encoded authority": {host + fmt.Sprintf("cluster_ca_certificate = %q", base64.StdEncoding.EncodeToString(config.CAData)), nil, []string{"base64decode", `provider "capi"`}},
		"nothing":           {"", nil, []string{"No management cluster", "kubeconfig_path, host or in_cluster"}},
	} {
		t.Run(name, func(t *testing.T) {
			for variable, value := range test.variables {
				t.Setenv(variable, value)
			}
			w := acctest.NewWorkspaceFor(t, provider.New("test", nil))
			w.Write("main.tf", fmt.Sprintf("provider \"capi\" {\n%s\n}\nresource \"capi_cluster_class\" \"test\" {\n  name = \"bad\"\n  manifest = file(\"class.yaml\")\n}\n", test.block))
			class, err := os.ReadFile(filepath.Join(example, "class.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			w.Write("class.yaml", strings.ReplaceAll(string(class), "quick-start", "bad"))
			out, code := w.Try("plan")
			if code == 0 {
				t.Fatalf("the plan succeeded:\n%s", out)
			}
			// Terraform wraps and frames lines.
			text := strings.Join(strings.Fields(strings.ReplaceAll(out, "│", " ")), " ")
			for _, want := range test.want {
				if !strings.Contains(text, want) {
					t.Errorf("%q is missing:\n%s", want, out)
				}
			}
		})
	}
}

// Each way to say who asks, and to get there, works with a real server.
func TestIntegrationWaysToConnect(t *testing.T) {
	env := setUp(t)
	config := env.Cluster.RESTConfig
	host := fmt.Sprintf("host = %q\ncluster_ca_certificate = %s", config.Host, asHCL(string(config.CAData)))
	identity := token(t, env, "terraform-apply")
	command := filepath.Join(t.TempDir(), "credentials")
	const script = "#!/bin/sh\necho '{\"apiVersion\": \"client.authentication.k8s.io/v1\", \"kind\": \"ExecCredential\", \"status\": {\"token\": \"'$TOKEN'\"}}'\n"
	if err := os.WriteFile(command, []byte(script), 0o700); err != nil { //nolint:gosec // It is to be run.
		t.Fatal(err)
	}
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(kubeconfig, []byte(env.Kubeconfig), 0o600); err != nil {
		t.Fatal(err)
	}
	proxy, through := connectProxy(t)
	for name, block := range map[string]string{
		"token":           host + fmt.Sprintf("token = %q", identity),
		"certificate":     host + "client_certificate = " + asHCL(string(config.CertData)) + "client_key = " + asHCL(string(config.KeyData)),
		"exec":            host + fmt.Sprintf("exec {\napi_version = \"client.authentication.k8s.io/v1\"\ncommand = %q\nenv = { TOKEN = %q }\n}", command, identity),
		"kubeconfig":      "kubeconfig = " + asHCL(env.Kubeconfig),
		"kubeconfig file": fmt.Sprintf("kubeconfig_path = %q", kubeconfig),
		"proxy":           host + fmt.Sprintf("token = %q\nproxy_url = %q", identity, proxy),
	} {
		t.Run(name, func(t *testing.T) {
			w := acctest.NewWorkspaceFor(t, provider.New("test", nil))
			w.Write("main.tf", fmt.Sprintf("provider \"capi\" {\n%s\n}\ndata \"capi_clusters\" \"all\" {}\n", block))
			w.Terraform("plan")
		})
	}
	if through.Load() == 0 {
		t.Error("nothing went through the proxy")
	}
}

// connectProxy is an HTTP proxy, and counts the connections through it.
func connectProxy(t *testing.T) (address string, through *atomic.Int32) {
	t.Helper()
	through = &atomic.Int32{}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		target, err := (&net.Dialer{}).DialContext(r.Context(), "tcp", r.Host)
		if err != nil || r.Method != http.MethodConnect {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		through.Add(1)
		w.WriteHeader(http.StatusOK)
		client, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		go func() { _, _ = io.Copy(target, client); _ = target.Close() }()
		go func() { _, _ = io.Copy(client, target); _ = client.Close() }()
	}))
	t.Cleanup(proxy.Close)
	return proxy.URL, through
}

// A plan without an answer waits for one attempt, however many resources it has.
func TestIntegrationOneAttempt(t *testing.T) {
	setUp(t)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	attempts := 0
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		attempts++
		w.WriteHeader(http.StatusServiceUnavailable)
	})}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	w := acctest.NewWorkspaceFor(t, provider.New("test", nil))
	w.Write("main.tf", fmt.Sprintf(`provider "capi" {
  host = "http://%s"
}
resource "capi_cluster" "test" {
  count    = 20
  name     = "web-${count.index}"
  topology = { class = "quick-start", version = "v1.35.0" }
}
`, listener.Addr()))
	out, code := w.Try("plan")
	if code == 0 || !strings.Contains(out, "Management cluster unreachable") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	if attempts != 1 {
		t.Errorf("%d attempts were made", attempts)
	}
}
