// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster_test

import (
	"context"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/cluster"
	"github.com/terraform-capi/terraform-provider-capi/internal/cluster/clustertest"
	"github.com/terraform-capi/terraform-provider-capi/internal/clusterclass"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// living is a cluster whose control plane answers, wherever its Cluster object is.
type living struct {
	t *testing.T
	environment
	name      string
	config    object
	authority *clustertest.Authority
	// stop ends the control plane.
	stop func()
	// created is the cluster in the state, with its Cluster object in namespace default.
	created acctest.Object
}

const elsewhere = "elsewhere"

func (e environment) newLiving(t *testing.T, name string) *living {
	t.Helper()
	l := &living{t: t, environment: e, name: name, authority: clustertest.NewAuthority(t)}
	address, stop := l.authority.Serve(t)
	l.stop = stop
	host, portText, _ := net.SplitHostPort(address)
	port, _ := strconv.Atoi(portText)
	c := newConfiguration(name)
	e.makeClass(t, c)
	l.config = c.cluster
	l.config["control_plane_endpoint"] = object{"host": host, "port": port}
	in(l.config, "topology")["class_namespace"] = "default"
	if err := e.Cluster.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: elsewhere}}); client.IgnoreAlreadyExists(err) != nil {
		t.Fatal(err)
	}
	var diagnostics []*tfprotov6.Diagnostic
	l.keepAuthority("default", l.authority)
	protocol := e.provider.Protocol(t)
	l.created, diagnostics = protocol.Apply(t, cluster.ResourceType, l.plan(protocol, nil, acctest.Object{}))
	l.need("create", diagnostics)
	t.Cleanup(func() {
		for _, namespace := range []string{"default", elsewhere} {
			left := &clusterv1.Cluster{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
			_ = e.Cluster.Delete(context.WithoutCancel(t.Context()), left)
		}
	})
	return l
}

func (l *living) plan(protocol *acctest.Protocol, change object, prior acctest.Object) acctest.Change {
	l.t.Helper()
	content := maps.Clone(l.config)
	maps.Copy(content, change)
	return protocol.Plan(l.t, cluster.ResourceType, acctest.Value(l.t, protocol.Type(cluster.ResourceType), content), prior)
}

func (l *living) need(doing string, diagnostics []*tfprotov6.Diagnostic, want ...string) {
	l.t.Helper()
	if got := acctest.Summaries(diagnostics); !slices.Equal(got, want) {
		l.t.Fatalf("%s: diagnostics are %q, want %q", doing, got, want)
	}
}

// keepAuthority stores the cluster's certificate, as Cluster API does.
func (l *living) keepAuthority(namespace string, authority *clustertest.Authority) {
	l.t.Helper()
	stored := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: l.name + "-ca"},
		Data:       map[string][]byte{"tls.crt": []byte(authority.PEM)},
	}
	if err := l.Cluster.Create(l.t.Context(), stored); err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = l.Cluster.Delete(context.WithoutCancel(l.t.Context()), stored) })
}

// move makes the Cluster object elsewhere, and deletes it where it was.
func (l *living) move(authority *clustertest.Authority, change func(*clusterv1.Cluster)) *clusterv1.Cluster {
	l.t.Helper()
	old := l.get(l.t, l.name)
	moved := &clusterv1.Cluster{
		ObjectMeta: metav1.ObjectMeta{Namespace: elsewhere, Name: l.name, Labels: old.Labels, Annotations: old.Annotations}, Spec: old.Spec,
	}
	if change != nil {
		change(moved)
	}
	if authority != nil {
		l.keepAuthority(elsewhere, authority)
	}
	l.delete(l.t, l.name)
	if err := l.Cluster.Create(l.t.Context(), moved); err != nil {
		l.t.Fatal(err)
	}
	return moved
}

func text(t *testing.T, o acctest.Object, attribute string) string {
	t.Helper()
	var s string
	if err := o.Attribute(t, attribute).As(&s); err != nil {
		t.Fatal(err)
	}
	return s
}

// A cluster that was moved stays the same resource: it is found where the
// configuration says that it is now, and managed there.
func TestIntegrationClusterMoved(t *testing.T) {
	l := setUp(t).newLiving(t, "moved")
	protected := object{"deletion_protection": true}
	protocol := l.provider.Protocol(t)
	guarded, diagnostics := protocol.Apply(t, cluster.ResourceType, l.plan(protocol, protected, l.created))
	l.need("protect", diagnostics)
	moved := l.move(l.authority, nil)

	protocol = l.provider.Protocol(t)
	read, diagnostics := protocol.Read(t.Context(), t, cluster.ResourceType, guarded)
	l.need("refresh", diagnostics, "WARNING: Cluster is not where the state says")
	if !read.Exists() {
		t.Fatal("the cluster is forgotten")
	}
	protected["namespace"] = elsewhere
	planned := l.plan(protocol, protected, read)
	l.need("plan", planned.Diagnostics, "WARNING: Cluster was moved")
	if planned.Replace {
		t.Fatal("the cluster would be replaced")
	}
	applied, diagnostics := protocol.Apply(t, cluster.ResourceType, planned)
	l.need("apply", diagnostics)
	if text(t, applied, "uid") != string(moved.UID) || text(t, applied, "id") != "kind://envtest/elsewhere/moved" {
		t.Errorf("the state has %s with UID %s, want %s", text(t, applied, "id"), text(t, applied, "uid"), moved.UID)
	}

	protocol = l.provider.Protocol(t)
	read, diagnostics = protocol.Read(t.Context(), t, cluster.ResourceType, applied)
	l.need("refresh", diagnostics)
	if again := l.plan(protocol, protected, read); !again.IsEmpty() || len(again.Diagnostics) > 0 {
		t.Errorf("the next plan is not empty: %v", acctest.Summaries(again.Diagnostics))
	}
	open, diagnostics := protocol.Apply(t, cluster.ResourceType, l.plan(protocol, object{"namespace": elsewhere}, read))
	l.need("unprotect", diagnostics)
	gone, diagnostics := protocol.Apply(t, cluster.ResourceType, protocol.PlanDestroy(t, cluster.ResourceType, open))
	l.need("destroy", diagnostics)
	if err := l.Cluster.Get(t.Context(), client.ObjectKeyFromObject(moved), moved); gone.Exists() || !apierrors.IsNotFound(err) {
		t.Errorf("in the state: %t; reading the Cluster: %v", gone.Exists(), err)
	}
}

// Until the configuration says where a cluster was moved to, Terraform does not change it, whatever becomes of its class.
func TestIntegrationClusterElsewhere(t *testing.T) {
	l := setUp(t).newLiving(t, "away")
	l.move(l.authority, nil)
	protocol := l.provider.Protocol(t)
	read, diagnostics := protocol.Read(t.Context(), t, cluster.ResourceType, l.created)
	l.need("refresh", diagnostics, "WARNING: Cluster is not where the state says")

	// The class was moved as well, and has been forgotten.
	class := newConfiguration(l.name).class
	moved := &clusterv1.ClusterClass{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: l.name + "-class"}}
	if err := l.Cluster.Delete(t.Context(), moved); err != nil {
		t.Fatal(err)
	}
	planned := protocol.Plan(t, clusterclass.ResourceType, acctest.Value(t, protocol.Type(clusterclass.ResourceType), class), acctest.Object{})
	l.need("plan the class", planned.Diagnostics)
	if planned = l.plan(protocol, nil, read); !planned.IsEmpty() || len(planned.Diagnostics) > 0 {
		t.Errorf("the plan for the cluster is not empty: %v", acctest.Summaries(planned.Diagnostics))
	}

	protocol = l.provider.Protocol(t)
	_, diagnostics = protocol.Apply(t, cluster.ResourceType, l.plan(protocol, object{"labels": object{"a": "b"}}, read))
	l.need("change", diagnostics, "ERROR: Cluster is not where the state says")
}

// Another id of the same management cluster has the same cluster.
func TestIntegrationClusterUnderAnotherID(t *testing.T) {
	env := setUp(t)
	engine := env.Engine()
	engine.Kubeconfigs["renamed"] = env.Kubeconfig
	env.provider.Resolver = management.NewResolver(nil, engine)
	l := env.newLiving(t, "renamed")
	uid := l.get(t, "renamed").UID
	protocol := env.provider.Protocol(t)
	planned := l.plan(protocol, object{"management_cluster": "kind://renamed"}, l.created)
	l.need("plan", planned.Diagnostics, "WARNING: Cluster was moved")
	applied, diagnostics := protocol.Apply(t, cluster.ResourceType, planned)
	l.need("apply", diagnostics)
	if planned.Replace || l.get(t, "renamed").UID != uid || text(t, applied, "uid") != string(uid) {
		t.Errorf("replaced: %t, UID %s, want %s", planned.Replace, text(t, applied, "uid"), uid)
	}
}

// What only has the name of the cluster does not stand for it: that would be to
// replace the cluster, and is said so.
func TestIntegrationClusterNotMoved(t *testing.T) {
	env := setUp(t)
	for name, test := range map[string]struct {
		authority func(l *living) *clustertest.Authority
		change    func(*clusterv1.Cluster)
	}{
		"no-authority":      {authority: func(*living) *clustertest.Authority { return nil }},
		"another-authority": {authority: func(l *living) *clustertest.Authority { return clustertest.NewAuthority(l.t) }},
		"another-endpoint": {
			authority: func(l *living) *clustertest.Authority { return l.authority },
			change:    func(c *clusterv1.Cluster) { c.Spec.ControlPlaneEndpoint.Port++ },
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := env.newLiving(t, name)
			other := l.move(test.authority(l), test.change)
			protocol := env.provider.Protocol(t)
			planned := l.plan(protocol, object{"namespace": elsewhere}, l.created)
			l.need("plan", planned.Diagnostics, "WARNING: Cluster will be replaced")
			if detail := planned.Diagnostics[0].Detail; !planned.Replace || !strings.Contains(detail, "its machines (2)") {
				t.Errorf("replaced: %t: %s", planned.Replace, detail)
			}
			guarded := l.created
			guarded.State = with(t, l.created.State, "deletion_protection", tftypes.NewValue(tftypes.Bool, true))
			l.need("plan of a protected one", l.plan(protocol, object{"namespace": elsewhere}, guarded).Diagnostics, "ERROR: Cluster is protected")
			if err := l.Cluster.Get(t.Context(), client.ObjectKeyFromObject(other), other); err != nil || other.DeletionTimestamp != nil {
				t.Errorf("the other Cluster is not left alone: %v", err)
			}
		})
	}
}

// with is a state with another value of an attribute.
func with(t *testing.T, state tftypes.Value, attribute string, value tftypes.Value) tftypes.Value {
	t.Helper()
	attributes := map[string]tftypes.Value{}
	if err := state.As(&attributes); err != nil {
		t.Fatal(err)
	}
	attributes[attribute] = value
	return tftypes.NewValue(state.Type(), attributes)
}

// A cluster whose Cluster object is gone is kept as long as it answers.
func TestIntegrationClusterLives(t *testing.T) {
	l := setUp(t).newLiving(t, "lives")
	l.delete(t, l.name)
	protocol := l.provider.Protocol(t)
	read, diagnostics := protocol.Read(t.Context(), t, cluster.ResourceType, l.created)
	l.need("refresh", diagnostics, "WARNING: Cluster is not where the state says")
	if !read.Exists() {
		t.Fatal("a cluster that answers is forgotten")
	}
	destroyed, diagnostics := protocol.Apply(t, cluster.ResourceType, protocol.PlanDestroy(t, cluster.ResourceType, read))
	l.need("destroy", diagnostics, "ERROR: Cluster is not where the state says")
	if !destroyed.Exists() {
		t.Fatal("a cluster that answers is forgotten by a destruction")
	}
	l.stop()
	read, diagnostics = l.provider.Protocol(t).Read(t.Context(), t, cluster.ResourceType, destroyed)
	l.need("refresh when nobody answers", diagnostics)
	if read.Exists() {
		t.Error("a cluster that is gone is kept")
	}
}
