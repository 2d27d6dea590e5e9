// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/live"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
	"github.com/terraform-capi/terraform-provider-capi/internal/waiter"
)

// lastLook is how long reading the outcome may take after a wait used up the
// operation's own time.
const lastLook = 30 * time.Second

var classPath = path.Root("topology").AtName("class")

// checkClass refuses a Cluster whose class does not exist or does not take it, and gives
// its variables the types that the class asks for.
func checkClass(ctx context.Context, mgmt *management.Cluster, plan model, desired *unstructured.Unstructured) diag.Diagnostics {
	key := classKey(desired)
	if diags := checkNamespaces(ctx, mgmt, plan, key); diags.HasError() {
		return diags
	}
	class := &clusterv1.ClusterClass{}
	err := mgmt.Get(ctx, key, class)
	switch {
	case apierrors.IsNotFound(err):
		return diag.Diagnostics{classNotFound(ctx, mgmt, key)}
	case err != nil:
		return diag.Diagnostics{tfkit.RequestError("read ClusterClass "+key.String(), err)}
	}
	usable := topology.Usable(class)
	cluster, err := typedFor(usable, desired)
	if err != nil {
		return diag.Diagnostics{invalidConfiguration(err)}
	}
	_, problems := topology.ValidateCluster(ctx, usable, nil, cluster)
	return problemDiagnostics(problems, desired)
}

// checkNamespaces refuses namespaces that do not exist, of the cluster or of its
// class. Who may not look does without.
func checkNamespaces(ctx context.Context, mgmt *management.Cluster, plan model, class client.ObjectKey) diag.Diagnostics {
	missing := func(name string) bool {
		return apierrors.IsNotFound(mgmt.Get(ctx, client.ObjectKey{Name: name}, &corev1.Namespace{}))
	}
	own := plan.Namespace.ValueString()
	switch {
	case missing(own):
		return diag.Diagnostics{namespaceNotFound(path.Root("namespace"), plan, own)}
	case class.Namespace != own && missing(class.Namespace):
		return diag.Diagnostics{namespaceNotFound(path.Root("topology").AtName("class_namespace"), plan, class.Namespace)}
	}
	return nil
}

func namespaceNotFound(attribute path.Path, plan model, name string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(attribute, "Namespace not found", fmt.Sprintf(
		"%s cannot be created: %s has no namespace %q. Create it first, and have this resource depend on what creates it; or set %s to one that exists.",
		plan.object(), management.Describe(plan.ManagementCluster.ValueString()), name, attribute))
}

func classNotFound(ctx context.Context, mgmt *management.Cluster, key client.ObjectKey) diag.Diagnostic {
	remedy := "There are no ClusterClasses in that namespace"
	classes := &clusterv1.ClusterClassList{}
	if err := mgmt.List(ctx, classes, client.InNamespace(key.Namespace)); err == nil && len(classes.Items) > 0 {
		var names []string
		for _, class := range classes.Items {
			names = append(names, class.Name)
		}
		slices.Sort(names)
		remedy = "The namespace has " + strings.Join(names, ", ")
	}
	return diag.NewAttributeErrorDiagnostic(classPath, "ClusterClass not found", fmt.Sprintf(
		"ClusterClass %s not found in namespace %s. %s. Create the class with capi_cluster_class and refer to its name attribute, "+
			"so that it is created first; or set class_namespace, if it is elsewhere.", key.Name, key.Namespace, remedy))
}

// applyDiagnostics words why the management cluster did not take a Cluster.
func applyDiagnostics(plan model, desired *unstructured.Unstructured, err error) diag.Diagnostics {
	if topology.IsRefusal(err) {
		return problemDiagnostics(topology.Problems(err), desired)
	}
	if apierrors.IsNotFound(err) {
		return diag.Diagnostics{namespaceNotFound(path.Root("namespace"), plan, plan.Namespace.ValueString())}
	}
	return diag.Diagnostics{tfkit.RequestError("apply "+plan.object(), err)}
}

// create makes the Cluster object, whose class must be there and take it. It
// returns nil if there is no new one.
func create(ctx context.Context, mgmt *management.Cluster, plan model) (*management.Creation, *clusterv1.Cluster, diag.Diagnostics) {
	desired, err := plan.ToAPI()
	if err != nil {
		return nil, nil, diag.Diagnostics{invalidConfiguration(err)}
	}
	if diags := checkClass(ctx, mgmt, plan, desired); diags.HasError() {
		return nil, nil, diags
	}
	created := desired.DeepCopy()
	creation, err := mgmt.Begin(ctx, created)
	if err != nil {
		if exists, is := tfkit.CreationError(path.Root("name"), plan.object(), ResourceType, plan.id(), err); is {
			return nil, nil, diag.Diagnostics{exists}
		}
		return nil, nil, applyDiagnostics(plan, desired, err)
	}
	var diags diag.Diagnostics
	if creation.TookOver {
		diags.Append(tfkit.TookOver(plan.object()))
	}
	return creation, readBack(created), diags
}

// update makes the Cluster object that exists as planned: the one of the record,
// or the one that the same cluster has where it was moved. It returns nil if there
// is none.
func update(ctx context.Context, mgmt *management.Cluster, plan model, known *record) (*clusterv1.Cluster, diag.Diagnostics) {
	desired, err := plan.ToAPI()
	if err != nil {
		return nil, diag.Diagnostics{invalidConfiguration(err)}
	}
	existing := &clusterv1.Cluster{}
	if err := mgmt.Get(ctx, plan.key(), existing); err != nil {
		if management.IsAbsent(err) {
			err = known.outlived(ctx, mgmt.ID, known.Absence(ctx, mgmt, clusterKind, err))
		}
		if errors.Is(err, errMoved) {
			return nil, diag.Diagnostics{movedError(plan.object()+" was not changed", err)}
		}
		return nil, diag.Diagnostics{tfkit.RequestError("read "+plan.object(), err)}
	}
	if !known.isOf(ctx, mgmt, existing) {
		return nil, diag.Diagnostics{tfkit.AnotherObject(plan.object(), known.UID, existing.UID)}
	}
	convertVariables(ctx, mgmt, desired)
	applied := desired.DeepCopy()
	abandoned, err := applyVersion(ctx, mgmt, existing, applied)
	if err != nil {
		return nil, applyDiagnostics(plan, desired, err)
	}
	cluster := readBack(applied)
	var diags diag.Diagnostics
	if err := live.GiveUp(ctx, mgmt, cluster, abandoned); err != nil {
		diags.AddAttributeWarning(versionPath, "Version not given up", fmt.Sprintf(
			"%s was changed, but its machine sets still have a version that no machine has ever run: %s. The next apply tries again.", plan.object(), err))
	}
	if known.Creation != "" && mgmt.Unmark(ctx, applied, known.Creation) == nil {
		known.Creation = ""
	}
	return cluster, diags
}

// convertVariables gives the variables of a Cluster the types that its class asks for,
// if the class can be read.
func convertVariables(ctx context.Context, mgmt *management.Cluster, desired *unstructured.Unstructured) {
	class := &clusterv1.ClusterClass{}
	if mgmt.Get(ctx, classKey(desired), class) == nil {
		topology.ConvertVariables(topology.Usable(class), desired)
	}
}

// readBack is what the management cluster answered as a Cluster. Fields that are not
// known here are none of Terraform's.
func readBack(answer *unstructured.Unstructured) *clusterv1.Cluster {
	cluster := &clusterv1.Cluster{}
	_ = runtime.DefaultUnstructuredConverter.FromUnstructured(answer.Object, cluster)
	return cluster
}

// setUpCNI makes what installs the network plugin, before of which is what the state had. What fails is a warning,
// because on creation an error would make Terraform replace the cluster.
func setUpCNI(ctx context.Context, mgmt *management.Cluster, plan model, config tfsdk.Config, before cni, cluster *clusterv1.Cluster) diag.Diagnostics {
	plugin, err := plan.cni()
	if err == nil && plugin.isKept(before) {
		return nil
	}
	if err == nil {
		var diags diag.Diagnostics
		if plugin, diags = plugin.withWriteOnly(ctx, config); diags.HasError() {
			return diags
		}
		err = plugin.apply(ctx, mgmt, cluster)
	}
	if err == nil {
		return nil
	}
	return diag.Diagnostics{diag.NewWarningDiagnostic("Network plugin not set up", fmt.Sprintf(
		"%s exists, but setting up its network plugin failed: %s. The next apply tries again.", plan.object(), err))}
}

// finish waits for the cluster, if that is wanted, and takes over how it is then.
// Only a cluster whose objects are all settled is worth waiting for. noted are the
// generations of wait. It returns the Cluster as it is then, nil if that cannot be
// read, and whether there is nothing left to wait for.
func finish(
	ctx, waitCtx context.Context, mgmt *management.Cluster, plan *model, settled bool, noted live.Generations,
) (found *clusterv1.Cluster, finished bool, diags diag.Diagnostics) {
	w := live.Goal{Until: live.LevelOf(plan.WaitFor.ValueString()), Noted: noted, Began: time.Now()}
	var waitErr error
	if plan.waits() && settled {
		waitErr = live.WaitFor(waitCtx, mgmt, plan.key(), w)
	}
	lookCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastLook)
	defer cancel()
	f, err := live.Observe(lookCtx, mgmt, plan.key())
	if err != nil {
		plan.Ready = types.BoolValue(false)
		diags.Append(waitDiagnostics(*plan, waitErr, nil)...)
		diags.Append(diag.NewWarningDiagnostic("Cluster not read back", fmt.Sprintf(
			"%s was applied, but could not be read afterwards: %s. The next plan reads it again.", plan.object(), err)))
		return nil, false, diags
	}
	plan.observe(f)
	if len(w.Unbegun(f)) > 0 {
		plan.Ready = types.BoolValue(false)
	}
	if errors.Is(waitErr, live.ErrBeingDeleted) {
		return f.Cluster, true, diag.Diagnostics{beingDeleted(*plan, f)}
	}
	if w.Pending(f) == "" {
		// The last look may see what the wait just missed.
		return f.Cluster, settled, nil
	}
	var timedOut *waiter.TimeoutError
	var stuck *live.StuckError
	switch {
	case errors.As(waitErr, &timedOut):
		timedOut.Pending = f.Report(w)
	case errors.As(waitErr, &stuck):
		stuck.Tree = f.Tree(w)
	}
	return f.Cluster, settled && waitErr == nil, waitDiagnostics(*plan, waitErr, f)
}
