// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package orphans

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/bootstrap"
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

// node is a container with a control plane.
type node struct {
	container.Container
	cluster clusterKey
}

// nodesAmong returns the control planes of KinD among the containers, and those of workload clusters among the members.
func nodesAmong(containers []container.Container, members []member) []node {
	var nodes []node
	for _, m := range members {
		if identity.Role(m.Container) == identity.RoleControlPlane {
			nodes = append(nodes, node{m.Container, m.cluster()})
		}
	}
	for _, c := range containers {
		if c.Labels[identity.KindRoleLabel] == identity.RoleControlPlane {
			nodes = append(nodes, node{c, clusterKey{name: c.Labels[identity.KindClusterLabel]}})
		}
	}
	return nodes
}

// controlPlanes is what the control planes on an engine say.
type controlPlanes struct {
	// uids are those of the clusters that answer.
	uids map[clusterKey]types.UID
	// nodes are containers that answer, by the UIDs of their clusters.
	nodes map[types.UID]string
	// silent are the nodes of clusters that may live, but do not say so.
	silent []node
}

// askControlPlanes asks the nodes. It fails if ctx ends: one that was not heard out may have had to say that it lives.
func askControlPlanes(ctx context.Context, engine Engine, nodes []node) (controlPlanes, error) {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		found = controlPlanes{uids: map[clusterKey]types.UID{}, nodes: map[types.UID]string{}}
	)
	for _, n := range nodes {
		wg.Go(func() {
			uid, mayLive := ask(ctx, engine, n.Name)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case uid != "":
				found.uids[n.cluster], found.nodes[uid] = uid, n.Name
			case mayLive:
				found.silent = append(found.silent, n)
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return controlPlanes{}, fmt.Errorf("asking the control planes on the engine which clusters exist: %w", err)
	}
	found.silent = slices.DeleteFunc(found.silent, func(n node) bool { return found.uids[n.cluster] != "" })
	return found, nil
}

// ask returns the UID of the cluster that a control plane container belongs to. It is empty if it does not answer; then
// mayLive is false if it never was a control plane: its machine was still being set up when it was left behind.
func ask(ctx context.Context, engine Engine, name string) (_ types.UID, mayLive bool) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	var answer bytes.Buffer
	code, err := engine.Exec(ctx, name, container.Exec{Command: uidCommand, Stdout: &answer})
	if uid := strings.TrimSpace(answer.String()); err == nil && code == 0 && uid != "" {
		return types.UID(uid), true
	}
	_, err = engine.ReadFile(ctx, name, adminKubeconfig)
	return "", !errors.Is(err, container.ErrNotFound)
}

// manage tells whether a cluster that answers is the management cluster.
func (p controlPlanes) manage(managementUID types.UID) bool { return p.nodes[managementUID] != "" }

// mayManage returns the names of the silent nodes of other clusters that may be the management cluster of a member.
func (p controlPlanes) mayManage(m member) []string {
	var names []string
	for _, n := range p.silent {
		if n.cluster != m.cluster() && strings.HasPrefix(m.management.Node, n.cluster.name) {
			names = append(names, n.Name)
		}
	}
	return names
}

// split tells the clusters that are dead from those that live or may live.
func (p controlPlanes) split(ctx context.Context, engine Engine, clusters []Cluster) (findings Findings, err error) {
	for _, c := range clusters {
		if c.Life, err = p.life(ctx, engine, c); err != nil {
			return Findings{}, err
		}
		if c.Life == "" {
			findings.Orphans = append(findings.Orphans, c)
		} else {
			findings.Kept = append(findings.Kept, c)
		}
	}
	return findings, nil
}

// life says why a cluster lives or may live. The workers of one that does not answer count, too: its control plane may be
// made of something else than containers.
func (p controlPlanes) life(ctx context.Context, engine Engine, c Cluster) (string, error) {
	if p.uids[c.key()] != "" {
		return "its control plane answers", nil
	}
	var setUp []string
	for _, found := range c.Containers {
		silent := slices.ContainsFunc(p.silent, func(n node) bool { return n.ID == found.ID })
		if !silent && identity.Role(found) == identity.RoleWorker {
			result, err := bootstrap.ReadResult(ctx, engine, found.Name)
			if err != nil {
				return "", fmt.Errorf("finding out whether node %s was set up: %w", found.Name, err)
			}
			silent = result != nil && result.Succeeded()
		}
		if silent {
			setUp = append(setUp, found.Name)
		}
	}
	if len(setUp) == 0 {
		return "", nil
	}
	return "no control plane answers, but nodes were set up: " + strings.Join(setUp, ", "), nil
}
