// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package crash_test

import (
	"encoding/pem"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"

	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind/kindtest"
	"github.com/terraform-capi/terraform-provider-capi/internal/managementcluster"
)

// world is all that a plugin can reach, and outlives it.
type world struct {
	t      *testing.T
	engine *kindtest.Engine
	socket string

	mu sync.Mutex
	// sites counts the calls by where they are made.
	sites map[string]int
	order []string
	// fault happens once.
	fault *fault
	// plugin is the process id of the one that runs, stop interrupts what it does.
	plugin int
	stop   func()
}

// fault is what happens to the plugin, and when: at the nth call from a site.
type fault struct {
	site string
	nth  int
	// after says that the call takes effect first.
	after bool
	// stop interrupts instead of killing.
	stop bool
}

var errKilled = errors.New("the plugin was killed")

// managementName is the KinD cluster that the resources other than
// capi_management_cluster live in.
const managementName = "mgmt"

// newWorld is an engine with two KinD clusters, whose API is the environment's.
func newWorld(t *testing.T, on *suite) *world {
	t.Helper()
	w := &world{t: t, engine: kindtest.New(managementcluster.DefaultNodeImage), sites: map[string]int{}}
	w.engine.AdminConf = w.serveAPI(on.Cluster.RESTConfig)
	for _, name := range []string{managementName, "foreign"} {
		config := &v1alpha4.Cluster{Name: name, Nodes: []v1alpha4.Node{{Role: v1alpha4.ControlPlaneRole, Image: managementcluster.DefaultNodeImage}}}
		if err := w.engine.CreateCluster(t.Context(), config); err != nil {
			t.Fatal(err)
		}
	}
	w.engine.Add(kindtest.Container{Name: "mgmt-workload", State: "running", Labels: map[string]string{"io.x-k8s.kind.cluster": managementName}})
	w.engine.Before = func(call string) error { return w.call(call, false) }
	w.engine.After = func(call string) error { return w.call(call, true) }
	w.socket = serveEngine(t, Engine{w.engine, w.runs})
	return w
}

// serveAPI passes requests on to the API server, and returns the kubeconfig of a
// cluster whose API it is.
func (w *world) serveAPI(config *rest.Config) func(string) string {
	transport, err := rest.TransportFor(config)
	if err != nil {
		w.t.Fatal(err)
	}
	target, err := url.Parse(config.Host)
	if err != nil {
		w.t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport = transport
	proxy.ModifyResponse = func(response *http.Response) error { return w.call(words(response.Request), true) }
	proxy.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
	server := httptest.NewTLSServer(http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		if w.call(words(request), false) != nil {
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(response, request)
	}))
	w.t.Cleanup(server.Close)
	return func(name string) string {
		kubeconfig := clientcmdapi.NewConfig()
		kubeconfig.CurrentContext = name
		kubeconfig.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
		kubeconfig.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: "token"}
		kubeconfig.Clusters[name] = &clientcmdapi.Cluster{
			Server:                   server.URL,
			CertificateAuthorityData: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}),
		}
		content, err := clientcmd.Write(*kubeconfig)
		if err != nil {
			w.t.Error(err)
		}
		return string(content)
	}
}

func words(request *http.Request) string {
	text := request.Method + " " + request.URL.Path
	if request.URL.Query().Get("dryRun") != "" {
		text += " (dry run)"
	}
	return text
}

// call is made before and after each call of a plugin to the outside.
func (w *world) call(text string, after bool) error {
	site := siteOf(text)
	w.mu.Lock()
	if !after {
		if w.sites[site] == 0 {
			w.order = append(w.order, site)
		}
		w.sites[site]++
	}
	fault, plugin, stop := w.fault, w.plugin, w.stop
	hits := fault != nil && fault.site == site && fault.nth == w.sites[site] && fault.after == after
	if hits {
		w.fault = nil
	}
	w.mu.Unlock()
	switch {
	case !hits:
		return nil
	case fault.stop:
		stop()
		return nil
	}
	if running, err := os.FindProcess(plugin); err == nil {
		_ = running.Kill()
	}
	return errKilled
}

// runs notes which plugin runs.
func (w *world) runs(pid int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.plugin = pid
}

// interrupts notes how to interrupt what runs.
func (w *world) interrupts(stop func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stop = stop
}

// variable are the parts of calls that differ from call to call at the same place of
// the code.
var variable = []struct{ pattern, replacement string }{
	{`/(namespaces|customresourcedefinitions|[a-z]+configurations|clusterroles|clusterrolebindings)/[^/]+`, "/$1/NAME"},
	{`(/namespaces/NAME/[a-z]+)/[^/]+`, "$1/NAME"},
	{`\b[0-9a-f]{12,64}\b|\b[A-Z2-7]{26}\b|test-\d+`, "ID"},
	{`terraform-capi-claim-\S+`, "CLAIM"},
	{`/apis/(rbac\.authorization|admissionregistration)\.k8s\.io/\S+|/api/v1/namespaces/NAME/service(s|accounts)\S*`, "/COMPONENTS"},
}

var patterns = func() map[string]*regexp.Regexp {
	compiled := map[string]*regexp.Regexp{}
	for _, v := range variable {
		compiled[v.pattern] = regexp.MustCompile(v.pattern)
	}
	return compiled
}()

func siteOf(call string) string {
	for _, v := range variable {
		call = patterns[v.pattern].ReplaceAllString(call, v.replacement)
	}
	return strings.TrimSpace(call)
}

// watch begins to count calls anew, and has the fault happen. It returns what was
// counted so far.
func (w *world) watch(f *fault) (order []string, counts map[string]int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	order, counts = w.order, maps.Clone(w.sites)
	w.order, w.sites, w.fault = nil, map[string]int{}, f
	return order, counts
}

// start starts a plugin.
func (w *world) start() *process {
	w.t.Helper()
	p := start(w.t, w.socket)
	w.interrupts(p.stop)
	return p
}

// containers are the names of the engine's containers.
func (w *world) containers() []string {
	names := w.engine.Names()
	slices.Sort(names)
	return names
}
