// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package managementcluster

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
)

func nullModel() model {
	return model{
		ExtraPortMappings:    types.ListNull(portMappingType),
		ExtraMounts:          types.ListNull(mountType),
		FeatureGates:         types.MapNull(types.BoolType),
		KubeadmConfigPatches: types.ListNull(types.StringType),
		Labels:               types.MapNull(types.StringType),
	}
}

func TestConfigRoundTrip(t *testing.T) {
	for name, config := range map[string]kind.Config{
		"least": {Name: "mgmt", NodeImage: "kindest/node:v1.35.0"},
		"all": {
			Name:              "mgmt",
			NodeImage:         "kindest/node:v1.35.0",
			MountDockerSocket: true,
			PortMappings: []kind.PortMapping{
				{ContainerPort: 80, HostPort: 8080, ListenAddress: "127.0.0.1", Protocol: "TCP"},
				{ContainerPort: 53, HostPort: 5353, ListenAddress: "::", Protocol: "UDP"},
			},
			Mounts:               []kind.Mount{{HostPath: "/a", ContainerPath: "/b", ReadOnly: true}, {HostPath: "/c", ContainerPath: "/d"}},
			FeatureGates:         map[string]bool{"A": true, "B": false},
			KubeadmConfigPatches: []string{"kind: A", "kind: B"},
			Labels:               map[string]string{"a": "b"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := nullModel()
			if diags := m.fromConfig(t.Context(), config); diags.HasError() {
				t.Fatal(diags)
			}
			back, diags := m.toConfig(t.Context())
			if diags.HasError() {
				t.Fatal(diags)
			}
			if diff := cmp.Diff(config, back); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What is empty in the configuration must not become null, which would be a
// change, and what is null must not become empty.
func TestFromConfigKeepsWhatMeansTheSame(t *testing.T) {
	m := nullModel()
	m.ExtraMounts = types.ListValueMust(mountType, nil)
	m.FeatureGates = types.MapValueMust(types.BoolType, map[string]attr.Value{})
	before := m
	if diags := m.fromConfig(t.Context(), kind.Config{Name: "mgmt"}); diags.HasError() {
		t.Fatal(diags)
	}
	if !m.ExtraMounts.Equal(before.ExtraMounts) || !m.FeatureGates.Equal(before.FeatureGates) || !m.Labels.IsNull() || !m.ExtraPortMappings.IsNull() {
		t.Errorf("before %+v, after %+v", before, m)
	}
}

func TestToConfigToleratesUnknown(t *testing.T) {
	m := nullModel()
	m.Name = types.StringUnknown()
	m.ExtraPortMappings = types.ListUnknown(portMappingType)
	m.FeatureGates = types.MapUnknown(types.BoolType)
	m.Labels = types.MapValueMust(types.StringType, map[string]attr.Value{"a": types.StringUnknown()})
	m.ExtraMounts = types.ListValueMust(mountType, []attr.Value{types.ObjectUnknown(mountType.AttrTypes)})
	if _, diags := m.toConfig(t.Context()); diags.HasError() {
		t.Error(diags)
	}
}

// The guide's common error "failed to create kind cluster", for want of a port.
func TestCheckPorts(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	used := int32(listener.Addr().(*net.TCPAddr).Port)
	diags := checkPorts(t.Context(), []kind.PortMapping{
		{ContainerPort: 80},
		{ContainerPort: 53, HostPort: used, ListenAddress: "127.0.0.1", Protocol: "UDP"},
		{ContainerPort: 80, HostPort: used, ListenAddress: "127.0.0.1", Protocol: "TCP"},
	})
	if len(diags) != 1 {
		t.Fatalf("diagnostics: %v", diags)
	}
	bound, ok := diags[0].(interface{ Path() path.Path })
	if !ok || bound.Path().String() != "extra_port_mappings[2].host_port" {
		t.Errorf("the error is not bound to the port: %v", diags[0])
	}
	if want := fmt.Sprintf("127.0.0.1:%d (TCP)", used); !strings.Contains(diags[0].Detail(), want) {
		t.Errorf("%q does not name %s", diags[0].Detail(), want)
	}
}

func TestCreateDiagnostic(t *testing.T) {
	config := kind.Config{Name: "mgmt"}
	for name, test := range map[string]struct {
		err           error
		summary, want string
	}{
		"exists": {fmt.Errorf("%w: mgmt", kind.ErrExists), "Already exists", `KinD cluster "mgmt" exists already and is not in the state. Choose another name, delete it, or import it with

  terraform import capi_management_cluster.NAME kind://mgmt

where NAME is the resource's name in the configuration.`},
		"no Docker": {fmt.Errorf("%w: no socket", kind.ErrDockerUnreachable), "Docker is not reachable",
			`A management cluster runs in Docker, and the docker command could not reach an engine: Docker is not reachable: no socket.

Start Docker, or point DOCKER_HOST or docker context at a running engine.`},
		"failed": {&kind.CreateError{Cause: errors.New("kubeadm failed"), Remedy: "Do this.", NodeLog: "last line"}, "Management cluster not created",
			`KinD could not create management cluster "mgmt". What was made of it has been deleted again.

kubeadm failed

The end of the node's log:

last line

Do this.`},
	} {
		t.Run(name, func(t *testing.T) {
			d := createDiagnostic(config, test.err)
			if d.Summary() != test.summary {
				t.Errorf("summary is %q", d.Summary())
			}
			if diff := cmp.Diff(test.want, d.Detail()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
