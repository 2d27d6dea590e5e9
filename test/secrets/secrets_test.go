// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package secrets plants a canary in every place of a configuration and of a management cluster that can hold a secret, runs
// Terraform, and looks for them everywhere.
package secrets_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/retry"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/cluster/clustertest"
)

func TestMain(m *testing.M) { os.Exit(acctest.Run(m)) }

// Places where a canary may be seen. Secrets of the management cluster are none: there they belong.
const (
	state   = "state"
	private = "private state"
	plan    = "plan file"
	asJSON  = "terraform show -json"
	output  = "output"
	logs    = "logs"
	objects = "API objects"
	status  = "status and events"
	files   = "other files"
)

var places = []string{state, private, plan, asJSON, output, logs, objects, status, files}

// plain is where an argument of a resource is that goes into an object: all of it is by design, and what the guide
// "Secrets" says.
var plain = []string{state, plan, asJSON, output, objects}

// dynamic is where an argument of dynamic type is: Terraform itself logs those of the state at level DEBUG, whatever they
// are marked as ("UpgradeResourceState: ignoring dynamic block", seen in 1.11.4).
var dynamic = append(slices.Clone(plain), logs)

// allowed says of each canary where it is, and so where else it must not be.
var allowed = map[string][]string{
	"template-file":      dynamic,
	"template-command":   dynamic,
	"manifest":           plain,
	"manifest-variables": plain,
	"variable":           dynamic,
	// Terraform does not print what the configuration calls sensitive.
	"sensitive-variable": {state, plan, asJSON, logs, objects},
	"cni-manifests":      {state, plan, asJSON, output},
	// The test itself puts it there.
	"condition": {status},

	"cni-manifests-wo":    {},
	"cni-manifests-wo-2":  {},
	"cni-manifests-wrong": {},
	"content-from":        {},
	"pull-secret":         {},
	// Terraform prints what changes before the error.
	"mirror":              {output},
	"kubeconfig-token":    {},
	"kubeconfig-password": {},
	"kubeconfig-key":      {},
	"kubeconfig-proxy":    {},
	"kubeconfig-broken":   {},
	"token":               {},
	"client-key":          {},
	"exec-environment":    {},
	"proxy-password":      {},
}

// canary is the text that is planted under a name. Nothing else has it.
func canary(name string) string { return "c4nary-" + name + "-end" }

func TestIntegrationSecrets(t *testing.T) {
	acctest.NeedTerraform(t)
	env := acctest.NeedAPIServer(t)
	controllers := clustertest.Start(t, env.Cluster)
	w := newWatch(t, env)
	for _, secret := range []*corev1.Secret{
		{ObjectMeta: named("content-from"), StringData: map[string]string{"token": canary("content-from")}},
		{ObjectMeta: named("pull-secret"), Type: corev1.SecretTypeDockerConfigJson, StringData: map[string]string{
			corev1.DockerConfigJsonKey: fmt.Sprintf(`{"auths":{"mirror.example.com":{"username":"bob","password":%q}}}`, canary("pull-secret")),
		}},
	} {
		if err := env.Cluster.Create(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
	}
	good := kubeconfig(t, env, func(*clientcmdapi.Config) {})
	w.set("kubeconfig", good)
	w.set("password", canary("sensitive-variable"))
	w.set("mirror", "mirror.example.com")
	w.setManifest("cni-manifests-wo", 1)

	// What is right.
	w.ok("apply", "-auto-approve")
	w.setManifest("cni-manifests-wo-2", 2)
	w.ok("plan", "-out=saved.tfplan")
	w.showPlan()
	w.ok("apply", "saved.tfplan")
	w.ok("refresh")
	w.ok("plan", "-detailed-exitcode")

	// What is wrong with the cluster.
	controllers.Hold(client.ObjectKey{Namespace: metav1.NamespaceDefault, Name: "open"})
	setCondition(t, env, "open", `Get "https://bob:`+canary("condition")+`@registry.example.com/v2/": EOF`)
	if out := w.ok("plan"); !strings.Contains(out, "https://<redacted>@registry.example.com/v2/") {
		t.Errorf("the plan does not say what is wrong:\n%s", out)
	}
	w.ok("apply", "-auto-approve")
	controllers.Release(client.ObjectKey{Namespace: metav1.NamespaceDefault, Name: "open"})

	// What is wrong with the configuration.
	w.set("mirror", "bob:"+canary("mirror")+"@mirror.example.com")
	w.fails("mirrors", "plan")
	w.set("mirror", "mirror.example.com")
	w.set("manifest_wo", "{token: "+canary("cni-manifests-wrong")+"}")
	w.set("manifest_wo_version", "3")
	w.fails("Invalid manifest", "plan")
	w.setManifest("cni-manifests-wo-2", 2)

	// What is wrong with the management cluster. A refresh keeps what it cannot ask about.
	w.set("kubeconfig", kubeconfig(t, env, func(c *clientcmdapi.Config) {
		for _, cluster := range c.Clusters {
			cluster.ProxyURL = "http://bob:" + canary("kubeconfig-proxy") + "@127.0.0.1:1"
		}
	}))
	w.fails("unreachable", "plan")
	w.set("kubeconfig", kubeconfig(t, env, func(c *clientcmdapi.Config) {
		for _, user := range c.AuthInfos {
			user.ClientCertificateData, user.ClientKeyData = nil, nil
			user.Token = canary("kubeconfig-token")
		}
	}))
	w.fails("Credentials or certificate rejected", "plan")
	w.set("kubeconfig", "users: [{user: {token: *"+canary("kubeconfig-broken")+"}}]")
	w.fails("Invalid connection", "plan")
	w.failsWith(t, env)

	w.set("kubeconfig", good)
	w.ok("destroy", "-auto-approve")
	w.report()
}

// failsWith connects by what the provider finds in the environment, with credentials that are no good.
func (w *watch) failsWith(t *testing.T, env *acctest.Environment) {
	t.Helper()
	w.w.Write("provider_override.tf", "provider \"capi\" {\n  kubeconfig = null\n}\n")
	config := env.Cluster.RESTConfig
	for _, test := range []struct {
		variables map[string]string
		says      string
	}{
		{map[string]string{"CAPI_TOKEN": canary("token")}, "Credentials or certificate rejected"},
		{map[string]string{"CAPI_CLIENT_CERTIFICATE": string(config.CertData), "CAPI_CLIENT_KEY": canary("client-key")}, "Management cluster not usable"},
		{map[string]string{"CAPI_EXEC": fmt.Sprintf(
			`{"api_version": "client.authentication.k8s.io/v1", "command": "false", "env": {"SECRET": %q}}`, canary("exec-environment"))}, "Credentials or certificate rejected"},
		{map[string]string{"CAPI_TOKEN": canary("token"), "CAPI_PROXY_URL": "http://bob:" + canary("proxy-password") + "@127.0.0.1:1"}, "unreachable"},
	} {
		t.Setenv("CAPI_HOST", config.Host)
		t.Setenv("CAPI_CLUSTER_CA_CERTIFICATE", string(config.CAData))
		for name, value := range test.variables {
			t.Setenv(name, value)
		}
		w.fails(test.says, "plan")
		for name := range test.variables {
			t.Setenv(name, "")
		}
	}
	for _, name := range []string{"CAPI_HOST", "CAPI_CLUSTER_CA_CERTIFICATE"} {
		t.Setenv(name, "")
	}
	w.w.Write("provider_override.tf", "")
}

// named is the metadata of an object of the test.
func named(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, Name: name}
}

// kubeconfig is the API server's, with credentials that nobody uses, and changed.
func kubeconfig(t *testing.T, env *acctest.Environment, change func(*clientcmdapi.Config)) string {
	t.Helper()
	config, err := clientcmd.Load([]byte(env.Kubeconfig))
	if err != nil {
		t.Fatal(err)
	}
	config.AuthInfos["other"] = &clientcmdapi.AuthInfo{Token: canary("kubeconfig-token")}
	config.AuthInfos["another"] = &clientcmdapi.AuthInfo{Username: "bob", Password: canary("kubeconfig-password")}
	change(config)
	content, err := clientcmd.Write(*config)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func setCondition(t *testing.T, env *acctest.Environment, name, message string) {
	t.Helper()
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		cluster := &clusterv1.Cluster{}
		if err := env.Cluster.Get(t.Context(), client.ObjectKey{Namespace: metav1.NamespaceDefault, Name: name}, cluster); err != nil {
			return err
		}
		meta.SetStatusCondition(&cluster.Status.Conditions, metav1.Condition{
			Type: clusterv1.ClusterAvailableCondition, Status: metav1.ConditionFalse, Reason: "NotAvailable", Message: message,
			ObservedGeneration: cluster.Generation,
		})
		return env.Cluster.Status().Update(t.Context(), cluster)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// report compares where canaries were with where they are said to be.
func (w *watch) report() {
	w.t.Helper()
	for _, name := range slices.Sorted(maps.Keys(allowed)) {
		var seen []string
		for _, place := range places {
			if excerpt, found := w.seen[name][place]; found {
				seen = append(seen, place)
				if !slices.Contains(allowed[name], place) {
					w.t.Errorf("%s is in the %s: ...%s...", name, place, excerpt)
				}
			}
		}
		for _, place := range allowed[name] {
			if !slices.Contains(seen, place) {
				w.t.Errorf("%s is not in the %s, where it is said to be", name, place)
			}
		}
		w.t.Logf("%-20s %s", name, strings.Join(seen, ", "))
	}
}

// readAll returns the content of every file below a folder.
func readAll(t *testing.T, folder string) map[string]string {
	t.Helper()
	contents := map[string]string{}
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		name, _ := filepath.Rel(folder, path)
		contents[name] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return contents
}
