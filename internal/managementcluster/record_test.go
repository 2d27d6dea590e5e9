// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package managementcluster

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	k8stypes "k8s.io/apimachinery/pkg/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind/kindtest"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// made makes a cluster in an engine of its own. It returns the state about it, and
// what is recorded beside that.
func made(t *testing.T) (*kindtest.Engine, *Resource, model, management.Identity) {
	t.Helper()
	docker := kindtest.New(DefaultNodeImage)
	clusters := kind.NewFor(docker, kind.DefaultLapse)
	creation, err := clusters.Create(t.Context(), kind.Config{Name: "mgmt", NodeImage: DefaultNodeImage})
	if err != nil {
		t.Fatal(err)
	}
	if err := creation.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	state := nullModel()
	if diags := state.fromDescription(t.Context(), &creation.Description); diags.HasError() {
		t.Fatal(diags)
	}
	r := &Resource{clusters: clusters, session: session.New(management.NewResolver(nil, clusters))}
	return docker, r, state, management.Identity{UID: "uid", KinD: &creation.Identity}
}

// remake puts another cluster in the place of the one that was made.
func remake(docker *kindtest.Engine) {
	for _, c := range docker.Containers() {
		docker.Remove(c.Name)
		c.ID = strings.Repeat("f", len(c.ID))
		c.Files["/etc/kubernetes/admin.conf"] = strings.Replace(c.Files["/etc/kubernetes/admin.conf"], "authority-data: ", "authority-data: bm90", 1)
		docker.Add(c)
	}
}

func TestFind(t *testing.T) {
	for name, test := range map[string]struct {
		change func(docker *kindtest.Engine)
		// tainted says that Terraform keeps the record back.
		tainted bool
		want    string // a part of the error; empty if the cluster is found
	}{
		"the same":           {change: func(*kindtest.Engine) {}},
		"stopped":            {change: func(docker *kindtest.Engine) { docker.SetState("mgmt-control-plane", "exited") }},
		"gone":               {change: func(docker *kindtest.Engine) { docker.Remove("mgmt-control-plane") }, want: kind.ErrNotFound.Error()},
		"another cluster":    {change: remake, want: "Another management cluster answers"},
		"in another engine":  {change: func(docker *kindtest.Engine) { docker.Replace(); docker.Add(nodeOfOthers()) }, want: "Another management cluster answers"},
		"not in this engine": {change: func(docker *kindtest.Engine) { docker.Replace() }, want: "Another Docker engine answers"},
		"renamed": {change: func(docker *kindtest.Engine) {
			docker.Edit("mgmt-control-plane", func(c *kindtest.Container) { c.Name = "x" })
		}, want: "called x"},
		"no engine":            {change: func(docker *kindtest.Engine) { docker.SetDown(true) }, want: kind.ErrDockerUnreachable.Error()},
		"tainted":              {change: func(*kindtest.Engine) {}, tainted: true},
		"tainted and stopped":  {change: func(docker *kindtest.Engine) { docker.SetState("mgmt-control-plane", "exited") }, tainted: true},
		"tainted, and another": {change: remake, tainted: true, want: "Another management cluster answers"},
		"tainted and gone":     {change: func(docker *kindtest.Engine) { docker.Remove("mgmt-control-plane") }, tainted: true, want: "terraform state rm"},
	} {
		t.Run(name, func(t *testing.T) {
			docker, r, state, recorded := made(t)
			if test.tainted {
				recorded.KinD = nil
			}
			test.change(docker)
			description, err := r.find(t.Context(), state, recorded.KinD)
			if test.want == "" {
				if err != nil || description == nil {
					t.Errorf("%v, %v", description, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v", err)
			}
			// What is not proven to be gone is not forgotten.
			if errors.Is(err, kind.ErrNotFound) != (name == "gone") {
				t.Errorf("error is %v", err)
			}
		})
	}
}

func nodeOfOthers() kindtest.Container {
	return kindtest.Container{Name: "mgmt-control-plane", Labels: map[string]string{kind.Label: "mgmt", "io.x-k8s.kind.role": "control-plane"}}
}

// Delete removes what is proven to be the cluster of the state, when it is proven to
// have no Clusters.
func TestDeleteRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		change func(docker *kindtest.Engine)
		want   string
	}{
		"another cluster": {remake, "Another management cluster answers"},
		"another engine":  {func(docker *kindtest.Engine) { docker.Replace() }, "Another Docker engine answers"},
		"without kubeconfig": {func(docker *kindtest.Engine) {
			docker.Edit("mgmt-control-plane", func(c *kindtest.Container) { delete(c.Files, "/etc/kubernetes/admin.conf") })
		}, "Management cluster cannot be asked"},
		"without the node": {func(docker *kindtest.Engine) {
			docker.Before = func(call string) error {
				if strings.HasPrefix(call, "docker cp") {
					return errors.New("Error response from daemon: cannot fork")
				}
				return nil
			}
		}, "KinD failed"},
	} {
		t.Run(name, func(t *testing.T) {
			docker, r, state, recorded := made(t)
			test.change(docker)
			before := len(docker.Names())
			_, diags := r.deleteCluster(t.Context(), state, recorded)
			if len(diags) != 1 || diags[0].Summary() != test.want || diags[0].Severity() != diag.SeverityError {
				t.Errorf("diagnostics are %v", diags)
			}
			if len(docker.Names()) != before {
				t.Error("something was deleted")
			}
		})
	}
}

// What is gone by itself leaves its UID, by which its clusters' containers are known.
func TestDeleteWhatIsGone(t *testing.T) {
	docker, r, state, recorded := made(t)
	docker.Remove("mgmt-control-plane")
	if uid, diags := r.deleteCluster(t.Context(), state, recorded); uid != "uid" || diags != nil {
		t.Errorf("%q, %v", uid, diags)
	}
}

func TestCheckUID(t *testing.T) {
	for _, test := range []struct {
		recorded, found k8stypes.UID
		wrong           bool
	}{
		{"", "a", false}, {"a", "", false}, {"a", "a", false}, {"a", "b", true},
	} {
		var stranger *strangerError
		if err := checkUID("mgmt", test.recorded, test.found); errors.As(err, &stranger) != test.wrong {
			t.Errorf("%q, %q: %v", test.recorded, test.found, err)
		}
	}
}

// privateState is what Terraform keeps beside a state.
type privateState map[string][]byte

func (p privateState) GetKey(_ context.Context, key string) ([]byte, diag.Diagnostics) {
	return p[key], nil
}

func (p privateState) SetKey(_ context.Context, key string, value []byte) diag.Diagnostics {
	p[key] = value
	return nil
}

// A cluster whose API does not answer keeps the UID that it had.
func TestRecord(t *testing.T) {
	docker, r, _, recorded := made(t)
	docker.SetState("mgmt-control-plane", "paused")
	description, err := r.clusters.Describe(t.Context(), "mgmt")
	if err != nil {
		t.Fatal(err)
	}
	private := privateState{}
	if diags := r.record(t.Context(), "mgmt", recorded, description, private); diags != nil {
		t.Error(diags)
	}
	got, diags := tfkit.ReadRecord[management.Identity](t.Context(), private)
	want := management.Identity{UID: "uid", KinD: &kind.Identity{Engine: docker.ID(), Nodes: description.Nodes}}
	if diff := cmp.Diff(want, got); diff != "" || diags != nil {
		t.Errorf("%s, %v", diff, diags)
	}
	if !r.inState(description.Nodes) || r.inState(nil) || r.inState([]string{"other"}) {
		t.Error("the wrong nodes are in the state")
	}
}

func TestImportTakesWhatHasTheName(t *testing.T) {
	_, r, _, _ := made(t)
	state := nullModel()
	state.Name = types.StringValue("mgmt")
	if _, err := r.find(t.Context(), state, nil); err != nil {
		t.Error(err)
	}
	state.Name = types.StringValue("other")
	if _, err := r.find(t.Context(), state, nil); !errors.Is(err, kind.ErrNotFound) {
		t.Errorf("error is %v", err)
	}
}
