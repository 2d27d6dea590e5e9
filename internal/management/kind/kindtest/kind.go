// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kindtest

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
)

const (
	clusterLabel = "io.x-k8s.kind.cluster"
	roleLabel    = "io.x-k8s.kind.role"
)

// Pull fails for an image that the engine does not have: it has no registry.
func (e *Engine) Pull(ctx context.Context, image string) error {
	return e.pullFor(ctx, nobody, image)
}

func (e *Engine) pullFor(ctx context.Context, p *Process, image string) error {
	return e.call(ctx, p, "docker pull "+image, func() error {
		if !e.images[image] {
			return fmt.Errorf("Error response from daemon: pull access denied for %s, repository does not exist", image) //nolint:staticcheck // Docker's words.
		}
		return nil
	})
}

// CreateCluster makes a cluster of one node, as KinD does with --retain: in the steps
// "kind list", "kind run", "kind init" and "kind finish". Like KinD it does not care
// that ctx ends.
func (e *Engine) CreateCluster(ctx context.Context, config *v1alpha4.Cluster) error {
	return e.createFor(ctx, nobody, config)
}

func (e *Engine) createFor(ctx context.Context, p *Process, config *v1alpha4.Cluster) error {
	ctx = context.WithoutCancel(ctx)
	node := config.Name + "-control-plane"
	for _, step := range []struct {
		name   string
		effect func() error
	}{
		{"list", func() error { return e.checkLabel(config.Name) }},
		{"run", func() error { return e.runNode(config, node) }},
		{"init", func() error { return e.writeAdminConf(config.Name, node) }},
		{"finish", func() error {
			if c := e.byName(node); c == nil || c.State != "running" {
				return fmt.Errorf("failed to add default storage class: command \"docker exec --privileged -i %s kubectl\" failed", node)
			}
			return nil
		}},
	} {
		if err := e.call(ctx, p, "kind "+step.name+" "+config.Name, step.effect); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) checkLabel(cluster string) error {
	for _, c := range e.containers {
		if c.Labels[clusterLabel] == cluster {
			return fmt.Errorf("node(s) already exist for a cluster with the name %q", cluster)
		}
	}
	return nil
}

func (e *Engine) runNode(config *v1alpha4.Cluster, name string) error {
	node := config.Nodes[0]
	if err := e.checkNew(name, node.Image); err != nil {
		return fmt.Errorf("command \"docker run --name %s\" failed with error: exit status 125\n%w", name, err)
	}
	_, tag, _ := strings.Cut(node.Image[strings.LastIndex(node.Image, "/")+1:], ":")
	c := Container{
		Name: name, Image: node.Image, Binds: []string{"/lib/modules:/lib/modules:ro"},
		Labels: map[string]string{clusterLabel: config.Name, roleLabel: string(node.Role)},
		Files:  map[string]string{"/kind/version": tag + "\n", "/kind/kubeadm.conf": "kind: ClusterConfiguration\n"},
	}
	for _, mount := range node.ExtraMounts {
		bind := mount.HostPath + ":" + mount.ContainerPath
		if mount.Readonly {
			bind += ":ro"
		}
		c.Binds = append(c.Binds, bind)
	}
	e.add(c)
	return nil
}

func (e *Engine) writeAdminConf(cluster, node string) error {
	c := e.byName(node)
	if c == nil || c.State != "running" {
		return fmt.Errorf("failed to init node with kubeadm: command \"docker exec --privileged %s kubeadm init\" failed", node)
	}
	kubeconfig := e.AdminConf
	if kubeconfig == nil {
		kubeconfig = adminConf
	}
	content := kubeconfig(cluster)
	parsed, err := clientcmd.Load([]byte(content))
	if err != nil {
		return err
	}
	for _, cluster := range parsed.Clusters {
		server, err := url.Parse(cluster.Server)
		if err != nil {
			return err
		}
		c.APIServer = server.Host
	}
	c.Files["/etc/kubernetes/admin.conf"] = content
	return nil
}

// adminConf is one of a cluster that nobody answers for, with a certificate of its own.
func adminConf(cluster string) string {
	config := clientcmdapi.NewConfig()
	config.Clusters["kubernetes"] = &clientcmdapi.Cluster{
		Server: "https://" + net.JoinHostPort("127.0.0.1", "1"), CertificateAuthorityData: []byte("CA " + newID()),
	}
	config.AuthInfos["kubernetes-admin"] = &clientcmdapi.AuthInfo{Token: "token of " + cluster}
	content, err := clientcmd.Write(*config)
	if err != nil {
		panic(err)
	}
	return string(content)
}

// LoadImageArchive gives a node the images of a docker-archive.
func (e *Engine) LoadImageArchive(ctx context.Context, cluster, node string, archive io.Reader) error {
	return e.loadFor(ctx, nobody, cluster, node, archive)
}

func (e *Engine) loadFor(ctx context.Context, p *Process, cluster, node string, archive io.Reader) error {
	tags, err := repoTags(tar.NewReader(archive))
	if err != nil {
		return err
	}
	return e.call(ctx, p, "kind load "+node, func() error {
		c := e.byName(node)
		if c == nil || c.State != "running" || c.Labels[clusterLabel] != cluster {
			return errors.New("failed to load image: command \"docker exec\" failed")
		}
		c.Images = append(c.Images, tags...)
		return nil
	})
}

// repoTags are the names of the images in a docker-archive.
func repoTags(archive *tar.Reader) ([]string, error) {
	for {
		header, err := archive.Next()
		if err != nil {
			return nil, err
		}
		if header.Name != "manifest.json" {
			continue
		}
		var images []struct{ RepoTags []string }
		if err := json.NewDecoder(archive).Decode(&images); err != nil {
			return nil, err
		}
		var tags []string
		for _, image := range images {
			tags = append(tags, image.RepoTags...)
		}
		return tags, nil
	}
}
