// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package bootstrap

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/blang/semver/v4"
	"go.yaml.in/yaml/v3"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/cloudinit"
)

// ignoredPreflightErrors are checks of kubeadm that look at the host, which a container cannot change.
var ignoredPreflightErrors = []string{"SystemVerification", "Swap", "FileContent--proc-sys-net-bridge-bridge-nf-call-iptables"}

// failsOnCgroupV1 is the first version whose kubelet refuses to start on cgroup v1 unless told otherwise.
var failsOnCgroupV1 = semver.MustParse("1.35.0-0")

// kubeletArg is a kubelet flag.
type kubeletArg struct{ name, value string }

// tune adapts kubeadm's configuration files to a node that is a container. What the user has set stays.
func (n Node) tune(files []cloudinit.File) ([]cloudinit.File, error) {
	tuned := slices.Clone(files)
	for i, file := range tuned {
		if file.Path != cloudinit.KubeadmInitPath && file.Path != cloudinit.KubeadmJoinPath {
			continue
		}
		content, err := n.tuneFile(file.Content)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file.Path, err)
		}
		tuned[i].Content = content
	}
	return tuned, nil
}

func (n Node) tuneFile(content []byte) ([]byte, error) {
	documents, err := decodeDocuments(content)
	if err != nil {
		return nil, err
	}
	var initialises, hasProxy bool
	for _, document := range documents {
		var err error
		switch document["kind"] {
		case "ClusterConfiguration":
			err = n.tuneCluster(document)
		case "InitConfiguration":
			initialises = true
			err = n.tuneRegistration(document)
		case "JoinConfiguration":
			err = n.tuneRegistration(document)
		case "KubeProxyConfiguration":
			hasProxy = true
			err = tuneProxy(document)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", document["kind"], err)
		}
	}
	if initialises && !hasProxy {
		proxy := map[string]any{"apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration"}
		if err := tuneProxy(proxy); err != nil {
			return nil, err
		}
		documents = append(documents, proxy)
	}
	return encodeDocuments(documents)
}

// tuneCluster makes the API server's certificate valid for the ways to reach it from the Docker host.
func (n Node) tuneCluster(document map[string]any) error {
	apiServer, err := ensureChild(document, "apiServer")
	if err != nil {
		return err
	}
	return addStrings(apiServer, "certSANs", n.CertificateNames...)
}

// tuneProxy keeps kube-proxy from setting conntrack limits: they belong to the host, and are read-only here.
func tuneProxy(document map[string]any) error {
	conntrack, err := ensureChild(document, "conntrack")
	if err != nil {
		return err
	}
	if _, set := conntrack["maxPerCore"]; !set {
		conntrack["maxPerCore"] = 0
	}
	return nil
}

func (n Node) tuneRegistration(document map[string]any) error {
	registration, err := ensureChild(document, "nodeRegistration")
	if err != nil {
		return err
	}
	if _, set := registration["criSocket"]; !set {
		// kubeadm gives up when it finds more than one, as in a node that has the host's Docker socket mounted.
		registration["criSocket"] = "unix:///run/containerd/containerd.sock"
	}
	if err := addStrings(registration, "ignorePreflightErrors", ignoredPreflightErrors...); err != nil {
		return err
	}
	for _, arg := range n.kubeletArgs() {
		if err := addKubeletArg(document, registration, arg); err != nil {
			return err
		}
	}
	return nil
}

// kubeletArgs are what a kubelet in a container needs.
func (n Node) kubeletArgs() []kubeletArg {
	args := []kubeletArg{
		{"provider-id", n.ProviderID},
		// The kubelet sees the disk of the host, which is not its business to tidy up.
		{"eviction-hard", "nodefs.available<0%,nodefs.inodesFree<0%,imagefs.available<0%"},
		{"image-gc-high-threshold", "100"},
		// The host decides about swap.
		{"fail-swap-on", "false"},
		// The entrypoint of the node image makes this cgroup for the kubelet; the root belongs to systemd.
		{"cgroup-root", "/kubelet"},
		{"runtime-cgroups", "/system.slice/containerd.service"},
	}
	if n.NeedsCgroupV1() {
		args = append(args, kubeletArg{"fail-cgroupv1", "false"})
	}
	return args
}

// NeedsCgroupV1 tells whether the kubelet must be told to accept the host's cgroup v1.
func (n Node) NeedsCgroupV1() bool {
	return n.CgroupV1 && n.Version.GTE(failsOnCgroupV1)
}

// addKubeletArg adds a flag unless the user has set it. Up to kubeadm's v1beta3 flags are a map, from v1beta4 on
// a list.
func addKubeletArg(document, registration map[string]any, arg kubeletArg) error {
	const key = "kubeletExtraArgs"
	version, _ := document["apiVersion"].(string)
	if strings.HasSuffix(version, "/v1beta3") || strings.HasSuffix(version, "/v1beta2") {
		args, err := ensureChild(registration, key)
		if err != nil {
			return err
		}
		if _, set := args[arg.name]; !set {
			args[arg.name] = arg.value
		}
		return nil
	}
	args, ok := registration[key].([]any)
	if !ok && registration[key] != nil {
		return fmt.Errorf("nodeRegistration.%s is not a list", key)
	}
	for _, existing := range args {
		if entry, ok := existing.(map[string]any); ok && entry["name"] == arg.name {
			return nil
		}
	}
	registration[key] = append(args, map[string]any{"name": arg.name, "value": arg.value})
	return nil
}

// ensureChild returns the object at a key, making it if there is none.
func ensureChild(object map[string]any, key string) (map[string]any, error) {
	switch value := object[key].(type) {
	case map[string]any:
		return value, nil
	case nil:
		made := map[string]any{}
		object[key] = made
		return made, nil
	default:
		return nil, fmt.Errorf("%s is not an object", key)
	}
}

// addStrings adds what is missing to the list of strings at a key.
func addStrings(object map[string]any, key string, values ...string) error {
	list, ok := object[key].([]any)
	if !ok && object[key] != nil {
		return fmt.Errorf("%s is not a list", key)
	}
	for _, value := range values {
		if !slices.Contains(list, any(value)) {
			list = append(list, value)
		}
	}
	if len(list) > 0 {
		object[key] = list
	}
	return nil
}

func decodeDocuments(content []byte) ([]map[string]any, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var documents []map[string]any
	for {
		var document map[string]any
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			return nil, fmt.Errorf("not valid YAML: %w", err)
		}
		if document != nil {
			documents = append(documents, document)
		}
	}
}

func encodeDocuments(documents []map[string]any) ([]byte, error) {
	var content bytes.Buffer
	encoder := yaml.NewEncoder(&content)
	encoder.SetIndent(2)
	for _, document := range documents {
		if err := encoder.Encode(document); err != nil {
			return nil, fmt.Errorf("encoding: %w", err)
		}
	}
	if err := encoder.Close(); err != nil {
		return nil, fmt.Errorf("encoding: %w", err)
	}
	return content.Bytes(), nil
}
