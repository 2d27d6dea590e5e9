// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package images brings container images to the Docker host, from registries and their mirrors, and into nodes: those
// that a machine asks for, from the Docker host, and those of system pods that a node's own image lacks, from another
// node of the cluster.
package images

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/distribution/reference"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

const (
	// directory and imageFile are where an image lies in a node while it is copied.
	directory = "/usr/local/lib/terraform-capi/images"
	imageFile = "image.tar"

	removeTimeout = 10 * time.Second
)

// Nodes have a container runtime of their own, which images are brought into.
type Nodes interface {
	Exec(ctx context.Context, name string, exec container.Exec) (int, error)
	CopyTo(ctx context.Context, name, directory string, archive io.Reader) error
	CopyFrom(ctx context.Context, name, path string) (io.ReadCloser, error)
	ReadFile(ctx context.Context, name, path string) ([]byte, error)
}

// CopySystemImages gives a node the images that the workload cluster's system pods need, that it lacks, and that
// another node has. It returns those that it copied.
//
// It is for clusters whose nodes come from different node images, as in an upgrade: the control plane provider
// keeps CoreDNS at its version unless told otherwise, and kube-proxy is the same on all nodes, but a node image
// only carries its own version's. Where nothing can be pulled those pods would never start.
func CopySystemImages(ctx context.Context, engine Nodes, target string, nodes []container.Container) ([]string, error) {
	needed, err := systemImages(ctx, engine, nodes)
	if err != nil {
		return nil, err
	}
	present, err := list(ctx, engine, target)
	if err != nil {
		return nil, err
	}
	var copied []string
	var errs []error
	for _, image := range needed {
		if slices.Contains(present, image) {
			continue
		}
		donor, err := findDonor(ctx, engine, target, image, nodes)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if donor == "" {
			continue // Nobody has it; the node may be able to pull it.
		}
		if err := copyImage(ctx, engine, donor, target, image); err != nil {
			errs = append(errs, err)
			continue
		}
		copied = append(copied, image)
	}
	return copied, errors.Join(errs...)
}

// systemImages are the images of the system's daemon sets and deployments. Static pods, which are control plane
// nodes' own, are not among them.
func systemImages(ctx context.Context, engine Nodes, nodes []container.Container) ([]string, error) {
	err := errors.New("no control plane node runs")
	for _, node := range nodes {
		if node.Labels[identity.RoleLabel] != identity.RoleControlPlane || !node.Running() {
			continue
		}
		var out bytes.Buffer
		err = run(ctx, engine, node.Name, container.Exec{Stdout: &out, Command: []string{
			"kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", "--request-timeout=10s", "--namespace=kube-system",
			"get", "daemonsets,deployments",
			"--output=jsonpath={.items[*].spec.template.spec.containers[*].image} {.items[*].spec.template.spec.initContainers[*].image}",
		}})
		if err == nil {
			return normalise(strings.Fields(out.String())), nil
		}
	}
	return nil, fmt.Errorf("asking for the images of the system pods: %w", err)
}

func findDonor(ctx context.Context, engine Nodes, target, image string, nodes []container.Container) (string, error) {
	var errs []error
	for _, node := range nodes {
		if node.Name == target || !node.Running() {
			continue
		}
		present, err := list(ctx, engine, node.Name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if slices.Contains(present, image) {
			return node.Name, nil
		}
	}
	return "", errors.Join(errs...)
}

// list returns the names of a node's images.
func list(ctx context.Context, engine Nodes, node string) ([]string, error) {
	var out bytes.Buffer
	err := run(ctx, engine, node, container.Exec{Stdout: &out,
		Command: []string{"ctr", "--namespace=k8s.io", "images", "list", "--quiet"}})
	if err != nil {
		return nil, fmt.Errorf("listing the images of a node: %w", err)
	}
	return normalise(strings.Fields(out.String())), nil
}

// copyImage copies an image from node to node by way of a file in each. Piping one command into the other would
// lose the end: engines drop output that is not taken within seconds of a command's end, and unpacking takes its
// time.
func copyImage(ctx context.Context, engine Nodes, donor, target, image string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("copying image %s from node %s: %w", image, donor, err)
		}
	}()
	const file = directory + "/" + imageFile
	if err := run(ctx, engine, target, container.Exec{Command: []string{"mkdir", "-p", directory}}); err != nil {
		return err
	}
	defer removeFile(ctx, engine, donor, file)
	defer removeFile(ctx, engine, target, file)
	// Not through containerd's transfer service: ctr then does not wait for the end of what it is sent, and ends with
	// success and half a file now and then.
	export := []string{"/bin/sh", "-c", "mkdir -p " + directory + " && exec ctr --namespace=k8s.io images export --local " + file + " \"$0\"", image}
	if err := run(ctx, engine, donor, container.Exec{Command: export}); err != nil {
		return err
	}
	archive, err := engine.CopyFrom(ctx, donor, file)
	if err != nil {
		return err
	}
	defer func() { _ = archive.Close() }()
	if err := engine.CopyTo(ctx, target, directory, archive); err != nil {
		return err
	}
	return run(ctx, engine, target, container.Exec{Command: []string{"ctr", "--namespace=k8s.io", "images", "import", file}})
}

// removeFile removes a file from a node, also when there is no time left for anything else.
func removeFile(ctx context.Context, engine Nodes, node, file string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeTimeout)
	defer cancel()
	if err := run(ctx, engine, node, container.Exec{Command: []string{"rm", "-f", file}}); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Failed to remove a temporary file", "node", node, "file", file)
	}
}

// run runs a command in a node and makes an error of a bad exit code.
func run(ctx context.Context, engine Nodes, node string, exec container.Exec) error {
	var stderr bytes.Buffer
	exec.Stderr = &stderr
	code, err := engine.Exec(ctx, node, exec)
	if err != nil {
		return err
	}
	if code != 0 {
		return fmt.Errorf("%s in node %s ended with exit code %d: %s",
			exec.Command[0], node, code, strings.TrimSpace(stderr.String()))
	}
	return nil
}

// normalise sorts, drops repetitions and writes short names in full, with the tag that they mean.
func normalise(names []string) []string {
	full := make([]string, 0, len(names))
	for _, name := range names {
		full = append(full, fullName(name))
	}
	slices.Sort(full)
	return slices.Compact(full)
}

// fullName is a name as container runtimes store it. Names that no image can have stay as they are.
func fullName(name string) string {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return name
	}
	return reference.TagNameOnly(named).String()
}
