// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package management

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
)

func TestConnectToKind(t *testing.T) {
	server := newVersionServer(t)
	resolver := NewResolver(nil, kubeconfigs{"mgmt": server.kubeconfig(t, "kind-mgmt")})
	cluster, err := resolver.Connect(t.Context(), "kind://mgmt")
	if err != nil {
		t.Fatal(err)
	}
	if cluster.ID != "kind://mgmt" || cluster.RESTConfig.Host != server.URL {
		t.Errorf("connected to %q at %s", cluster.ID, cluster.RESTConfig.Host)
	}
}

func TestConnectIsLazyAndKept(t *testing.T) {
	server := newVersionServer(t)
	resolver := NewResolver(nil, kubeconfigs{"mgmt": server.kubeconfig(t, "x")})
	if server.asked() != 0 {
		t.Error("a request was made before the first Connect")
	}
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if _, err := resolver.Connect(t.Context(), "kind://mgmt"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if server.asked() != 1 {
		t.Errorf("%d connections were made for one id", server.asked())
	}
	resolver.Forget("kind://mgmt")
	if _, err := resolver.Connect(t.Context(), "kind://mgmt"); err != nil {
		t.Fatal(err)
	}
	if server.asked() != 2 {
		t.Error("a forgotten connection was used again")
	}
}

// fixed is the connection of a provider block that says this.
type fixed struct {
	kubeconfig string
	err        error
}

func (f fixed) String() string { return "kubeconfig of the provider block" }

func (f fixed) RESTConfig() (*rest.Config, error) {
	if f.err != nil {
		return nil, f.err
	}
	return clientcmd.RESTConfigFromKubeConfig([]byte(f.kubeconfig))
}

func TestConnectByProviderBlock(t *testing.T) {
	cluster, err := NewResolver(fixed{kubeconfig: newVersionServer(t).kubeconfig(t, "one")}, kubeconfigs{}).Connect(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if cluster.ID != "" {
		t.Errorf("id is %q", cluster.ID)
	}
}

// The guide's common error "failed to connect to the management cluster".
func TestConnectErrors(t *testing.T) {
	stopped := newVersionServer(t)
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	t.Cleanup(refusing.Close)
	trusted := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(trusted.Close)
	deadContent := stopped.kubeconfig(t, "dead")
	stopped.Close()

	for name, test := range map[string]struct {
		connection Connection
		id         string
		reason     error // nil if it is none of the package's
		text       string
	}{
		"no provider block": {nil, "", ErrNotConfigured, ErrNotConfigured.Error()},
		"provider block":    {fixed{err: errors.New("no file")}, "", nil, "no file"},
		"no such KinD":      {nil, "kind://gone", ErrNotFound, `there is no KinD cluster "gone"`},
		"KinD without Docker": {nil, "kind://docker-down", ErrUnreachable,
			`cannot read the credentials of KinD cluster "docker-down": Docker is not reachable`},
		"dead API": {nil, "kind://dead", ErrUnreachable, `management cluster "kind://dead" at http://127.0.0.1:`},
		"dead API of the provider block": {fixed{kubeconfig: deadContent}, "", ErrUnreachable,
			"connection refused (connected with kubeconfig of the provider block)"},
		"wrong id":          {nil, "mgmt", nil, "is not of the form kind://NAME"},
		"expired token":     {fixed{kubeconfig: kubeconfigFor(t, refusing.URL, "x")}, "", ErrRejected, "does not accept the credentials: they are wrong, or have expired"},
		"another authority": {fixed{kubeconfig: kubeconfigFor(t, trusted.URL, "x")}, "", ErrRejected, "has a certificate that cannot be trusted"},
		"no credentials":    {fixed{kubeconfig: withExec(kubeconfigFor(t, trusted.URL, "x"), "false")}, "", ErrRejected, "there are no credentials for the management cluster of the provider block"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := NewResolver(test.connection, kubeconfigs{"dead": deadContent}).Connect(t.Context(), test.id)
			if err == nil || !strings.Contains(err.Error(), test.text) {
				t.Fatalf("error is %v, want one with %q", err, test.text)
			}
			for _, reason := range []error{ErrNotConfigured, ErrNotFound, ErrUnreachable, ErrRejected} {
				want := errors.Is(test.reason, reason)
				if errors.Is(err, reason) != want {
					t.Errorf("errors.Is(%v, %q) is not %t", err, reason, want)
				}
			}
			if test.reason != nil && !errors.Is(err, test.reason) {
				t.Errorf("%v is not %v", err, test.reason)
			}
		})
	}
}

// A cluster that forbids anonymous version requests is there all the same.
func TestConnectToClusterThatForbids(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		_ = json.NewEncoder(w).Encode(map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403})
	}))
	t.Cleanup(server.Close)
	content := kubeconfigFor(t, server.URL, "x")
	if _, err := NewResolver(fixed{kubeconfig: content}, nil).Connect(t.Context(), ""); err != nil {
		t.Error(err)
	}
}

func TestIDs(t *testing.T) {
	for id, want := range map[string][2]string{
		"kind://mgmt/default/web": {"kind://mgmt", "default/web"},
		"kind://mgmt":             {"kind://mgmt", ""},
		"default/web":             {"", "default/web"},
		"web":                     {"", "web"},
	} {
		managementCluster, rest := SplitID(id)
		if managementCluster != want[0] || rest != want[1] {
			t.Errorf("SplitID(%q) = %q, %q", id, managementCluster, rest)
		}
	}
	for _, parts := range [][2]string{{"kind://mgmt", "default/web"}, {"", "cluster-api"}} {
		if managementCluster, rest := SplitID(JoinID(parts[0], parts[1])); managementCluster != parts[0] || rest != parts[1] {
			t.Errorf("%q came back as %q, %q", parts, managementCluster, rest)
		}
	}
	for id, name := range map[string]string{"kind://a": "a", "kind://": "", "a": "", "kind://a/b": ""} {
		got, ok := ParseKindID(id)
		if ok != (name != "") || ok && got != name {
			t.Errorf("ParseKindID(%q) = %q, %t", id, got, ok)
		}
	}
}

func TestExpandHome(t *testing.T) {
	t.Setenv("HOME", "/home/somebody")
	for path, want := range map[string]string{
		"~/.kube/config": "/home/somebody/.kube/config",
		"~":              "/home/somebody",
		"/tmp/~/x":       "/tmp/~/x",
		"":               "",
		"~other/x":       "~other/x",
	} {
		if got, err := ExpandHome(path); err != nil || got != want {
			t.Errorf("ExpandHome(%q) = %q, %v", path, got, err)
		}
	}
}

type kubeconfigs map[string]string

func (k kubeconfigs) KubeConfig(_ context.Context, name string) (string, error) {
	if name == "docker-down" {
		return "", kind.ErrDockerUnreachable
	}
	if kubeconfig, ok := k[name]; ok {
		return kubeconfig, nil
	}
	return "", kind.ErrNotFound
}

func (k kubeconfigs) Identity(_ context.Context, name string) (kind.Identity, error) {
	if _, ok := k[name]; !ok {
		return kind.Identity{}, kind.ErrNotFound
	}
	return kind.Identity{Nodes: []string{name}}, nil
}

func (k kubeconfigs) Engine(context.Context) (kind.Engine, error) { return kind.Engine{}, nil }

// versionServer answers what NewCluster asks, and counts.
type versionServer struct {
	*httptest.Server
	mu       sync.Mutex
	requests int
}

func newVersionServer(t *testing.T) *versionServer {
	t.Helper()
	s := &versionServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.requests++
		if r.URL.Path != "/version" {
			t.Errorf("unexpected request for %s", r.URL)
		}
		_ = json.NewEncoder(w).Encode(map[string]string{"gitVersion": "v1.35.0"})
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *versionServer) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

func (s *versionServer) kubeconfig(t *testing.T, contexts ...string) string {
	t.Helper()
	return kubeconfigFor(t, s.URL, contexts...)
}

// withExec lets a command print the credentials.
func withExec(kubeconfig, command string) string {
	return strings.Replace(kubeconfig, "    token: secret\n",
		"    exec:\n      apiVersion: client.authentication.k8s.io/v1\n      interactiveMode: Never\n      command: "+`"`+command+`"`+"\n", 1)
}

func kubeconfigFor(t *testing.T, server string, contexts ...string) string {
	t.Helper()
	config := clientcmdapi.NewConfig()
	config.CurrentContext = contexts[0]
	for _, name := range contexts {
		config.Clusters[name] = &clientcmdapi.Cluster{Server: server}
		config.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: "secret"}
		config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	}
	content, err := clientcmd.Write(*config)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
