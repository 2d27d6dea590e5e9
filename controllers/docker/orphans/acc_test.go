// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package orphans

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// TestAccOrphans finds and removes containers of a real engine. Its management cluster is a container whose kubectl is a
// script: the engine has other clusters, which are none of its business.
func TestAccOrphans(t *testing.T) {
	if os.Getenv("TF_ACC") != "1" {
		t.Skip("This test makes containers: set TF_ACC=1 to run it.")
	}
	g := NewWithT(t)
	ctx := context.Background()
	docker, err := container.NewDocker()
	g.Expect(err).NotTo(HaveOccurred())
	if exists, err := docker.ImageExists(ctx, image); err != nil || !exists {
		t.Skipf("This test needs image %s: %v", image, err)
	}
	name := fmt.Sprintf("acc-orphans-%d", time.Now().UnixNano()%1_000_000)
	management := identity.Management{UID: types.UID(name), Node: name + "-control-plane"}
	create := func(name string, labels map[string]string) {
		t.Cleanup(func() { g.Expect(docker.Remove(ctx, name)).To(Succeed()) })
		g.Expect(docker.Create(ctx, container.Spec{
			Name: name, Image: image, Labels: labels, Volumes: []string{"/var"}, Entrypoint: []string{"/bin/sleep", "1000"},
		})).To(Succeed())
	}
	create(management.Node, map[string]string{identity.KindClusterLabel: name, identity.KindRoleLabel: identity.RoleControlPlane})
	for _, machine := range []string{name + "-a", name + "-b"} {
		create(machine, identity.Owner{Management: management, Namespace: "default", Cluster: "test", Machine: machine, Role: identity.RoleWorker}.Labels())
	}
	g.Expect(docker.Start(ctx, management.Node)).To(Succeed())
	g.Expect(docker.Start(ctx, name+"-a")).To(Succeed())
	find := func() (findings Findings, ours []Cluster) {
		findings, err := Find(ctx, docker)
		g.Expect(err).NotTo(HaveOccurred())
		for _, orphan := range findings.Orphans {
			if orphan.Management == management {
				ours = append(ours, orphan)
			}
		}
		return findings, ours
	}

	archive, err := container.Archive([]container.File{{Path: "etc/kubernetes/admin.conf", Mode: 0o600}})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(docker.CopyTo(ctx, management.Node, "/", bytes.NewReader(archive))).To(Succeed())
	findings, ours := find()
	g.Expect(ours).To(BeEmpty(), "it may live")
	g.Expect(findings.Silent).To(ContainElement(management.Node))

	answer := fmt.Appendf(nil, "#!/bin/sh\necho %s\n", management.UID)
	archive, err = container.Archive([]container.File{{Path: "usr/local/bin/kubectl", Mode: 0o755, Content: answer}})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(docker.CopyTo(ctx, management.Node, "/", bytes.NewReader(archive))).To(Succeed())
	findings, ours = find()
	g.Expect(ours).To(BeEmpty(), "it lives")
	g.Expect(findings.Silent).NotTo(ContainElement(management.Node))

	g.Expect(docker.Remove(ctx, management.Node)).To(Succeed())
	_, ours = find()
	g.Expect(names(ours)).To(Equal([]string{name + "-a", name + "-b"}))
	removed, err := Remove(ctx, docker, ours, VolumeLabel(management.UID))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(removed).To(ContainElements("container "+name+"-a", "container "+name+"-b"))
	list, err := docker.List(ctx, map[string]string{identity.ManagementUIDLabel: name})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(list).To(BeEmpty())
}
