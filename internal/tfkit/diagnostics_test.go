// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package tfkit

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
	"github.com/terraform-capi/terraform-provider-capi/internal/waiter"
)

func TestDiagnostics(t *testing.T) {
	clusters := schema.GroupResource{Group: "cluster.x-k8s.io", Resource: "clusters"}
	kind := schema.GroupKind{Group: "cluster.x-k8s.io", Kind: "Cluster"}
	denial := apierrors.NewForbidden(clusters, "web", nil)
	denial.ErrStatus.Message = `admission webhook "validation.cluster" denied the request: spec.topology.class: not found`
	topologyOff := apierrors.NewForbidden(clusters, "small", nil)
	topologyOff.ErrStatus.Message = `admission webhook "validation.clusterclass" denied the request: ` +
		"spec: Forbidden: can be set only if the ClusterTopology feature flag is enabled"

	for name, test := range map[string]struct {
		diagnostic diag.Diagnostic
		want       string
	}{
		"connect: gone": {
			ConnectError(fmt.Errorf("there is no KinD cluster %q%w", "mgmt", wordless{management.ErrNotFound})),
			`Error: Management cluster not found [management_cluster]
There is no KinD cluster "mgmt". It may have been deleted outside of Terraform. Create it, or remove what lived in it from the state.`,
		},
		"connect: refresh": {
			ConnectWarning("Cluster default/web", fmt.Errorf("management cluster does not answer%w", wordless{management.ErrUnreachable})),
			`Warning: Management cluster unreachable [management_cluster]
Cluster default/web was not refreshed, its last known state is kept: management cluster does not answer. Check that it runs (docker ps, if it is a KinD cluster) and that its credentials are still valid.`,
		},
		"connect: nothing configured": {
			ConnectError(fmt.Errorf("set management_cluster%w", wordless{management.ErrNotConfigured})),
			"Error: No management cluster [management_cluster]\nSet management_cluster.",
		},
		// The guide's common error "failed to connect to the management cluster".
		"connect: wrong context": {
			ConnectError(errors.New(`the kubeconfig of the provider block has no context "kind-mgmt", but ["kind-web"]`)),
			"Error: Management cluster not usable [management_cluster]\n" +
				`The kubeconfig of the provider block has no context "kind-mgmt", but ["kind-web"]. ` +
				"Correct management_cluster, or the connection in the provider block.",
		},
		"connect: no kubeconfig": {
			ConnectError(fmt.Errorf("cannot read the kubeconfig_path of the provider block: %w", &fs.PathError{Op: "open", Path: "k", Err: syscall.ENOENT})),
			"Error: Management cluster not usable [management_cluster]\n" +
				"Cannot read the kubeconfig_path of the provider block: open k: no such file or directory. " +
				"Correct management_cluster, or the connection in the provider block.",
		},
		"connect: not known to a data source": {
			ReadConnectError(fmt.Errorf("the provider block's management cluster cannot be used yet%w%w", wordless{management.ErrNotConfigured}, wordless{management.ErrNotKnownYet})),
			"Error: No management cluster [management_cluster]\n" +
				"The provider block's management cluster cannot be used yet. " +
				"If the same configuration makes the management cluster, let management_cluster refer to its id, " +
				"or let the data source depend on it (depends_on): then it is read during the apply, when it exists.",
		},
		"not there": {
			NotThere("Cluster default/web", strings.Split("a/b c/d", " ")),
			"Error: Not found [name]\nCluster default/web does not exist. There are a/b, c/d.",
		},
		"not there, of many": {
			NotThere("Cluster default/web", strings.Split("abcdefghijkl", "")),
			"Error: Not found [name]\nCluster default/web does not exist. There are a, b, c, d, e, f, g, h, i, j, and 2 more.",
		},
		"nothing there": {
			NotThere("Cluster default/web", nil),
			"Error: Not found [name]\nCluster default/web does not exist. There is none at all.",
		},
		"request: not found": {
			RequestError("read Cluster default/web", apierrors.NewNotFound(clusters, "web")),
			"Error: Request to the management cluster failed\n" +
				`Cannot read Cluster default/web: clusters.cluster.x-k8s.io "web" not found.`,
		},
		"request: kind not known": {
			RequestError("create Cluster default/web", &meta.NoKindMatchError{GroupKind: kind}),
			"Error: Kind not known to the management cluster\n" +
				`Cannot create Cluster default/web: no matches for kind "Cluster" in group "cluster.x-k8s.io". ` +
				"The provider that defines this kind is not installed in the management cluster, or in a release without this version of the kind. " +
				"Install it with capi_provider, and let this resource depend on that one (depends_on).",
		},
		"request: connection lost": {
			RequestError("create Cluster default/web", io.ErrUnexpectedEOF),
			"Error: Management cluster unreachable\n" +
				"Cannot create Cluster default/web: unexpected EOF. Check that it runs (docker ps, if it is a KinD cluster), and apply again.",
		},
		"request: webhook away": {
			RequestError("create Cluster default/web", apierrors.NewInternalError(errors.New(`failed calling webhook "x"`))),
			"Error: Webhook of a provider does not answer\n" +
				`Cannot create Cluster default/web: Internal error occurred: failed calling webhook "x". ` +
				"The provider's pod may be starting or failing: look at the pods of its namespace, and apply again.",
		},
		"request: denied by a webhook": {
			RequestError("create Cluster default/web", denial),
			"Error: Rejected by the management cluster\n" +
				`Cannot create Cluster default/web: admission webhook "validation.cluster" denied the request: spec.topology.class: not found.`,
		},
		// The guide's common mistake "Forgetting CLUSTER_TOPOLOGY=true before clusterctl init", by somebody else.
		"request: no topologies": {
			RequestError("create ClusterClass default/small", topologyOff),
			"Error: Classes are switched off in the management cluster\n" +
				`Cannot create ClusterClass default/small: admission webhook "validation.clusterclass" denied the request: ` +
				"spec: Forbidden: can be set only if the ClusterTopology feature flag is enabled. " +
				"Its Cluster API was installed without CLUSTER_TOPOLOGY=true. Set --feature-gates=ClusterTopology=true on the controllers of cluster-api " +
				"and control-plane-kubeadm, or import these as capi_provider, whose controllers have it on.",
		},
		"request: no permission": {
			RequestError("create Cluster default/web", apierrors.NewForbidden(clusters, "web", errors.New(`User "jane" cannot create resource`))),
			"Error: Not allowed in the management cluster\n" +
				`Cannot create Cluster default/web: clusters.cluster.x-k8s.io "web" is forbidden: User "jane" cannot create resource. ` +
				"The credentials used for the management cluster lack this permission.",
		},
		"timeout": {
			TimeoutWarning("Cluster default/web", &waiter.TimeoutError{Waited: 90 * time.Second, Pending: "Machine a: booting\nMachine b: pending"}, "apply again"),
			"Warning: Timed out waiting\n" +
				"Waited 1m30s for Cluster default/web. Still pending:\n\n  Machine a: booting\n  Machine b: pending\n\nApply again.",
		},
		"exists": {
			AlreadyExists(path.Root("name"), `KinD cluster "mgmt"`, "capi_management_cluster", "kind://mgmt"),
			`Error: Already exists [name]
KinD cluster "mgmt" exists already and is not in the state. Choose another name, delete it, or import it with

  terraform import capi_management_cluster.NAME kind://mgmt

where NAME is the resource's name in the configuration.`,
		},
		"import id": {
			WrongImportID("a/b/c", "[MANAGEMENT_CLUSTER/]NAME", "kind://mgmt/x"),
			"Error: Wrong import id\n" + `The id "a/b/c" is not of the form [MANAGEMENT_CLUSTER/]NAME. An example is kind://mgmt/x.`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, render(test.diagnostic)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// wordless is an error that is another one without saying so.
type wordless struct{ error }

func (wordless) Error() string   { return "" }
func (w wordless) Unwrap() error { return w.error }

func render(d diag.Diagnostic) string {
	text := d.Severity().String() + ": " + d.Summary()
	if bound, ok := d.(diag.DiagnosticWithPath); ok {
		text += " [" + bound.Path().String() + "]"
	}
	return text + "\n" + d.Detail()
}

func TestProviderData(t *testing.T) {
	if s, diags := ProviderData(nil); s != nil || diags.HasError() {
		t.Errorf("nil data: %v, %v", s, diags)
	}
	want := session.New(nil)
	if s, diags := ProviderData(want); s != want || diags.HasError() {
		t.Errorf("a s: %v, %v", s, diags)
	}
	if _, diags := ProviderData("something else"); !diags.HasError() {
		t.Error("no error for data of another type")
	}
}
