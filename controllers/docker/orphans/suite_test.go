// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package orphans

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/network"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

const image = "kindest/node:v1.35.0"

// engine is a fake one with clusters.
type engine struct {
	*container.Fake
	t *testing.T
	// uids are what the control plane containers that answer say.
	uids map[string]string
	// lists are what kubectl prints in these about objects. Without one, every container has its object.
	lists map[string]string
}

func newEngine(t *testing.T) *engine {
	t.Helper()
	e := &engine{Fake: container.NewFake(image), t: t, uids: map[string]string{}, lists: map[string]string{}}
	e.OnExec = func(ctx context.Context, name string, exec container.Exec) (int, error) {
		answer := e.uids[name]
		if answer == "" {
			return 1, nil
		}
		if slices.Equal(exec.Command, objectsCommand) {
			list, ok := e.lists[name]
			if !ok {
				list = e.everything(ctx)
			}
			if list == "" {
				_, err := io.WriteString(exec.Stderr, "error: the server doesn't have a resource type \"devmachines\"\n")
				return 1, err
			}
			answer = list
		}
		_, err := io.WriteString(exec.Stdout, answer)
		return 0, err
	}
	_, err := e.EnsureNetwork(t.Context(), network.DefaultName)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	return e
}

// everything are objects for all containers.
func (e *engine) everything(ctx context.Context) string {
	all, err := e.List(ctx, map[string]string{identity.MachineLabel: ""})
	NewWithT(e.t).Expect(err).NotTo(HaveOccurred())
	var items []string
	for _, c := range all {
		items = append(items, object("DockerMachine", c.Labels[identity.MachineLabel], "any", ""))
	}
	return objectList(items...)
}

// has makes a control plane container list these objects only.
func (e *engine) has(name string, items ...string) { e.lists[name] = objectList(items...) }

func objectList(items ...string) string {
	return `{"kind": "List", "items": [` + strings.Join(items, ",") + `]}`
}

// object is one of namespace default, with more fields of it.
func object(kind, name, uid, more string) string {
	return fmt.Sprintf(`{"kind": %q, "metadata": {"namespace": "default", "name": %q, "uid": %q, "labels": {"cluster.x-k8s.io/cluster-name": "test"}}%s}`,
		kind, name, uid, more)
}

func (e *engine) make(name string, labels map[string]string) {
	e.t.Helper()
	g := NewWithT(e.t)
	g.Expect(e.Create(e.t.Context(), container.Spec{Name: name, Image: image, Labels: labels, Network: network.DefaultName})).To(Succeed())
	g.Expect(e.Start(e.t.Context(), name)).To(Succeed())
}

// answer makes a container a control plane that says this UID, or nothing if that is empty.
func (e *engine) answer(name, uid string) {
	e.WriteFile(name, adminKubeconfig, nil)
	e.uids[name] = uid
}

// kind makes a KinD cluster that answers with the UID, or not if that is empty.
func (e *engine) kind(name, uid string) {
	e.t.Helper()
	node := name + "-control-plane"
	e.make(node, map[string]string{identity.KindClusterLabel: name, identity.KindRoleLabel: identity.RoleControlPlane})
	e.answer(node, uid)
}

// machine makes a container of cluster default/NAME that the management cluster "UID on node" made.
func (e *engine) machine(name, cluster, role, uid, node string) {
	e.t.Helper()
	e.make(name, identity.Owner{
		Management: identity.Management{UID: types.UID(uid), Node: node},
		Namespace:  "default", Cluster: cluster, Machine: name, Role: role, ObjectUID: "made",
	}.Labels())
}

// worker makes a container of a cluster of the management cluster "old", which is a KinD cluster "mgmt".
func (e *engine) worker(name, cluster string) {
	e.t.Helper()
	e.machine(name, cluster, identity.RoleWorker, "old", "mgmt-control-plane")
}

// setUp makes a container a node whose bootstrap has succeeded.
func (e *engine) setUp(name string) {
	e.WriteFile(name, "/usr/local/lib/terraform-capi/result", []byte("exit=0\ncommand=\n\n"))
}

// controlPlane makes one that answers with the UID, or not if that is empty.
func (e *engine) controlPlane(name, cluster, uid string) {
	e.t.Helper()
	e.machine(name, cluster, identity.RoleControlPlane, "old", "mgmt-control-plane")
	e.answer(name, uid)
}

// move moves a container to the management cluster "UID on node".
func (e *engine) move(name, uid, node string) {
	e.t.Helper()
	g := NewWithT(e.t)
	found, err := e.Inspect(e.t.Context(), name)
	g.Expect(err).NotTo(HaveOccurred())
	owner := identity.Owner{Management: identity.Management{UID: types.UID(uid), Node: node}, ObjectUID: "moved"}
	g.Expect(owner.Adopt(e.t.Context(), e, found)).To(Succeed())
}

func names(clusters []Cluster) []string {
	var names []string
	for _, cluster := range clusters {
		for _, c := range cluster.Containers {
			names = append(names, c.Name)
		}
	}
	return names
}
