// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package orphans

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

const (
	// answerTimeout is what a control plane has to answer. One that is well takes less than a second.
	answerTimeout = 15 * time.Second

	// adminKubeconfig is where kubeadm leaves the administrator's credentials, before the API server first starts.
	adminKubeconfig = "/etc/kubernetes/admin.conf"
)

var uidCommand = []string{"kubectl", "--kubeconfig=" + adminKubeconfig, "--request-timeout=10s",
	"get", "namespace", "kube-system", "--output=jsonpath={.metadata.uid}"}

// clusterKey tells apart the clusters whose nodes are on an engine. The first two are empty for KinD's.
type clusterKey struct{ managementUID, namespace, name string }

func clusterOf(c container.Container) clusterKey {
	name := cmp.Or(c.Labels[identity.ClusterLabel], c.Labels[identity.KindClusterLabel])
	return clusterKey{c.Labels[identity.ManagementUIDLabel], c.Labels[identity.NamespaceLabel], name}
}

// controlPlanes is what the control planes on an engine say.
type controlPlanes struct {
	// uids are those of the clusters that answer.
	uids map[clusterKey]types.UID
	// silent are the containers of clusters that may live, but do not say so.
	silent []container.Container
}

// askControlPlanes asks those among the containers that are control planes.
func askControlPlanes(ctx context.Context, runtime container.Runtime, containers []container.Container) controlPlanes {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		found = controlPlanes{uids: map[clusterKey]types.UID{}}
	)
	for _, c := range containers {
		if identity.Role(c) != identity.RoleControlPlane {
			continue
		}
		wg.Go(func() {
			uid, mayLive := ask(ctx, runtime, c)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case uid != "":
				found.uids[clusterOf(c)] = uid
			case mayLive:
				found.silent = append(found.silent, c)
			}
		})
	}
	wg.Wait()
	found.silent = slices.DeleteFunc(found.silent, func(c container.Container) bool { return found.uids[clusterOf(c)] != "" })
	return found
}

// ask returns the UID of the cluster that a control plane container belongs to. It is empty if it does not answer; then
// mayLive is false if it never was a control plane: its machine was still being set up when it was left behind.
func ask(ctx context.Context, runtime container.Runtime, c container.Container) (_ types.UID, mayLive bool) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	var answer bytes.Buffer
	code, err := runtime.Exec(ctx, c.Name, container.Exec{Command: uidCommand, Stdout: &answer})
	if uid := strings.TrimSpace(answer.String()); err == nil && code == 0 && uid != "" {
		return types.UID(uid), true
	}
	_, err = runtime.ReadFile(ctx, c.Name, adminKubeconfig)
	return "", !errors.Is(err, container.ErrNotFound)
}

// manage tells whether a cluster that answers is the management cluster.
func (p controlPlanes) manage(managementUID types.UID) bool {
	return slices.Contains(slices.Collect(maps.Values(p.uids)), managementUID)
}

// mayManage returns the names of the silent containers whose cluster may be the management cluster of a member.
func (p controlPlanes) mayManage(m member) []string {
	var names []string
	for _, c := range p.silent {
		if clusterOf(c) == clusterOf(m.Container) || strings.HasPrefix(m.management.Node, clusterOf(c).name) {
			names = append(names, c.Name)
		}
	}
	return names
}
