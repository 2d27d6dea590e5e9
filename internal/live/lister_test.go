// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	controlplanev1 "sigs.k8s.io/cluster-api/api/controlplane/kubeadm/v1beta2"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	dockerv1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/live/livetest"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
)

// counting counts the requests of a client by what they do.
func counting(mgmt *management.Cluster) (counted *management.Cluster, requests func() map[string]int) {
	var mu sync.Mutex
	counts := map[string]int{}
	count := func(verb string) {
		mu.Lock()
		defer mu.Unlock()
		counts[verb]++
	}
	watching, _ := mgmt.Client.(client.WithWatch)
	return &management.Cluster{Client: interceptor.NewClient(watching, interceptor.Funcs{
			Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
				count("get")
				return c.Get(ctx, key, obj, opts...)
			},
			List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
				count("list")
				return c.List(ctx, list, opts...)
			},
		})}, func() map[string]int {
			mu.Lock()
			defer mu.Unlock()
			return maps.Clone(counts)
		}
}

// A few reads ask for their clusters, many share lists, and after a change nothing
// that was listed before is used.
func TestListerSharesLists(t *testing.T) {
	objects := dying()
	for i := range 20 {
		name := fmt.Sprintf("web-%d", i)
		objects[name] = &clusterv1.Cluster{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name}}
	}
	mgmt, requests := counting(livetest.Management(objects))
	l := ListerOf(session.New(nil), mgmt)
	read := func(name string) *Facts {
		t.Helper()
		f, err := l.Observe(t.Context(), client.ObjectKey{Namespace: "default", Name: name})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	for range singleReads {
		read("web")
	}
	few := requests()
	if few["get"] != singleReads*3 || few["list"] != singleReads*3 {
		t.Errorf("%d reads made %v", singleReads, few)
	}
	for i := range 20 {
		read(fmt.Sprintf("web-%d", i))
	}
	// Clusters, MachineDeployments, MachinePools, Machines, KubeadmControlPlanes and DockerClusters.
	if many := requests(); many["get"] != few["get"] || many["list"] != few["list"]+6 {
		t.Errorf("20 more reads made %v after %v", many, few)
	}
	if _, err := l.Observe(t.Context(), client.ObjectKey{Namespace: "default", Name: "none"}); !management.IsAbsent(err) {
		t.Errorf("a cluster that does not exist: %v", err)
	}
	changed := read("web-0").Cluster.DeepCopy()
	changed.Labels = map[string]string{"new": "yes"}
	if err := mgmt.Update(t.Context(), changed); err != nil {
		t.Fatal(err)
	}
	l.Forget()
	for range singleReads + 1 {
		if read("web-0").Cluster.Labels["new"] != "yes" {
			t.Fatal("what was listed before a change is used after it")
		}
	}
}

// What is being listed while something changes is not handed out afterwards.
func TestListerForgetsWhatIsBeingListed(t *testing.T) {
	mgmt, _ := counting(livetest.Management(dying()))
	l := ListerOf(session.New(nil), mgmt)
	l.look("default")
	epoch := l.epoch
	l.Forget()
	l.look("default")
	if _, err := l.load(t.Context(), "default", epoch); err != nil {
		t.Fatal(err)
	}
	if known, _, _ := l.look("default"); known != nil {
		t.Error("a list that began before the change is handed out after it")
	}
}

// Who may read a cluster but not list them reads it.
func TestListerWithoutPermissionToList(t *testing.T) {
	watching, _ := livetest.Management(dying()).Client.(client.WithWatch)
	mgmt := &management.Cluster{Client: interceptor.NewClient(watching, interceptor.Funcs{
		List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			if len(opts) == 1 {
				return fmt.Errorf("forbidden to list the namespace")
			}
			return c.List(ctx, list, opts...)
		},
	})}
	l := ListerOf(session.New(nil), mgmt)
	for range 2 * singleReads {
		if f, err := l.Observe(t.Context(), webKey); err != nil || len(f.Machines) != 1 {
			t.Fatalf("cannot read: %v", err)
		}
	}
}

type countingTransport struct {
	http.RoundTripper
	requests *atomic.Int64
}

func (c countingTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	c.requests.Add(1)
	return c.RoundTripper.RoundTrip(req)
}

// 200 clusters are read with few requests, and as if each had been read alone.
func TestIntegrationReadsOfManyClusters(t *testing.T) {
	env := acctest.NeedAPIServer(t)
	const clusters = 200
	config := rest.CopyConfig(env.Cluster.RESTConfig)
	var requests atomic.Int64
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return countingTransport{next, &requests} })
	mgmt, err := management.NewCluster(t.Context(), "", config)
	if err != nil {
		t.Fatal(err)
	}
	fill(t, env.Cluster, "many", clusters)
	t.Cleanup(func() {
		// What stands in for the controllers in other tests would look after them.
		for _, kind := range oneOfMany("many", "any") {
			if err := env.Cluster.DeleteAllOf(context.WithoutCancel(t.Context()), kind, client.InNamespace("many")); err != nil {
				t.Error(err)
			}
		}
	})
	names := make([]client.ObjectKey, clusters)
	for i := range names {
		names[i] = client.ObjectKey{Namespace: "many", Name: fmt.Sprintf("c%d", i)}
	}
	got := make([]*Facts, clusters)
	readAll := func(observe func(ctx context.Context, key client.ObjectKey) (*Facts, error)) {
		group, ctx := errgroup.WithContext(t.Context())
		group.SetLimit(10) // Terraform's default
		for i, key := range names {
			group.Go(func() (err error) {
				got[i], err = observe(ctx, key)
				return err
			})
		}
		if err := group.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	before, start := requests.Load(), time.Now()
	readAll(ListerOf(session.New(nil), mgmt).Observe)
	made := requests.Load() - before
	t.Logf("%d clusters were read with %d requests in %s", clusters, made, time.Since(start).Round(time.Millisecond))
	if limit := int64(singleReads*6 + 20); made > limit {
		t.Errorf("%d requests, want at most %d", made, limit)
	}
	for _, i := range []int{0, clusters / 2, clusters - 1} {
		alone, err := Observe(t.Context(), mgmt, names[i])
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(alone.Cluster.Status, got[i].Cluster.Status); diff != "" || alone.Pending() != got[i].Pending() || len(got[i].Machines) != 2 {
			t.Errorf("%s differs from what it is when read alone:\n%s", names[i], diff)
		}
		if !slices.EqualFunc(alone.belongings(), got[i].belongings(), func(a, b *unstructured.Unstructured) bool { return a.GetUID() == b.GetUID() }) {
			t.Errorf("%s: %s\nalone: %s", names[i], got[i].Remaining(), alone.Remaining())
		}
	}
}

// fill makes clusters with a control plane, a load balancer, a machine deployment
// and two machines each.
func fill(t *testing.T, mgmt *management.Cluster, namespace string, clusters int) {
	t.Helper()
	if err := mgmt.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		t.Fatal(err)
	}
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(20)
	for i := range clusters {
		group.Go(func() error {
			for _, obj := range oneOfMany(namespace, fmt.Sprintf("c%d", i)) {
				if err := mgmt.Create(ctx, obj); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}

func oneOfMany(namespace, name string) []client.Object {
	labels := map[string]string{clusterv1.ClusterNameLabel: name}
	metadata := func(name string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels}
	}
	ref := func(group, kind, name string) clusterv1.ContractVersionedObjectReference {
		return clusterv1.ContractVersionedObjectReference{APIGroup: group, Kind: kind, Name: name}
	}
	template := ref(dockerv1.GroupVersion.Group, "DockerMachineTemplate", "t")
	machine := clusterv1.MachineSpec{
		ClusterName: name, Version: version, InfrastructureRef: template, Bootstrap: clusterv1.Bootstrap{DataSecretName: ptr.To("b")},
	}
	kcp := &controlplanev1.KubeadmControlPlane{ObjectMeta: metadata(name)}
	kcp.Spec.Version = version
	kcp.Spec.MachineTemplate.Spec.InfrastructureRef = template
	md := &clusterv1.MachineDeployment{ObjectMeta: metadata(name + "-md")}
	md.Spec.ClusterName, md.Spec.Template.Spec = name, machine
	md.Spec.Selector.MatchLabels = map[string]string{"md": name}
	md.Spec.Template.Labels = md.Spec.Selector.MatchLabels
	return []client.Object{
		&clusterv1.Cluster{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: clusterv1.ClusterSpec{
			ControlPlaneRef:   ref(controlplanev1.GroupVersion.Group, "KubeadmControlPlane", name),
			InfrastructureRef: ref(dockerv1.GroupVersion.Group, "DockerCluster", name),
			Topology:          clusterv1.Topology{ClassRef: clusterv1.ClusterClassRef{Name: "class"}, Version: version},
		}},
		&dockerv1.DockerCluster{ObjectMeta: metadata(name)}, kcp, md,
		&clusterv1.Machine{ObjectMeta: metadata(name + "-a"), Spec: machine},
		&clusterv1.Machine{ObjectMeta: metadata(name + "-b"), Spec: machine},
	}
}
