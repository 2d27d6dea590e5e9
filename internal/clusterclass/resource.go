// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/classes"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
	"github.com/terraform-capi/terraform-provider-capi/internal/waiter"
)

// ResourceType is the name of the resource in configurations.
const ResourceType = "capi_cluster_class"

var (
	_ resource.ResourceWithConfigure      = (*Resource)(nil)
	_ resource.ResourceWithModifyPlan     = (*Resource)(nil)
	_ resource.ResourceWithIdentity       = (*Resource)(nil)
	_ resource.ResourceWithValidateConfig = (*Resource)(nil)
	_ resource.ResourceWithImportState    = (*Resource)(nil)
)

var classKind = clusterv1.GroupVersion.WithKind(clusterv1.ClusterClassKind).GroupKind()

// Resource is capi_cluster_class.
type Resource struct {
	session *session.Session
}

// NewResource returns the resource.
func NewResource() resource.Resource { return &Resource{} }

// Metadata names the resource.
func (r *Resource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = ResourceType
}

// Configure takes the session over from the provider.
func (r *Resource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	s, diags := tfkit.ProviderData(req.ProviderData)
	resp.Diagnostics.Append(diags...)
	r.session = s
}

// Create makes the class and its templates, saves the state, and waits until the
// class is accepted.
func (r *Resource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	if resp.Diagnostics.HasError() {
		return
	}
	waitCtx, cancel, mgmt, err := tfkit.Begin(ctx, r.session, plan.Timeouts.Create, defaultTimeouts.Create, plan.ManagementCluster, management.Identity{})
	defer cancel()
	if err != nil {
		resp.Diagnostics.Append(tfkit.ConnectError(err))
		return
	}
	if !r.session.Claim(session.Create, ResourceType, plan.id()) {
		resp.Diagnostics.Append(tfkit.CreatedTwice(path.Root("name"), plan.object()))
		return
	}
	creation, diags := create(waitCtx, mgmt, &plan)
	resp.Diagnostics.Append(diags...)
	if creation == nil {
		return
	}
	// From here on the class exists, and whatever happens it must be in the state.
	known := tfkit.Record{}
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
	finished, diags := finish(ctx, waitCtx, mgmt, &plan)
	resp.Diagnostics.Append(diags...)
	known.Identify(ctx, r.session, mgmt.ID, creation.Object().GetUID())
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
	resp.Diagnostics.Append(tfkit.NoteWait(ctx, resp.Private, finished)...)
	if tfkit.FinishCreation(ctx, creation, plan.object(), &known, resp) {
		resp.Diagnostics.Append(tfkit.WriteRecord(ctx, r.session, resp.Private, known.UID, known)...)
	}
}

// Read takes over what changed of the declared attributes, the content of the
// templates included.
func (r *Resource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.Identity.Set(ctx, state.identity())...)
	known, diags := tfkit.ReadRecord[tfkit.Record](ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	imported := state.isImport()
	mgmt, err := r.session.Reconnect(ctx, state.ManagementCluster.ValueString(), known.Management)
	if err != nil {
		tfkit.NotRead(ctx, resp, state.object(), err, imported)
		return
	}
	obj, class, err := getClass(ctx, mgmt, state.key())
	switch {
	case management.IsAbsent(err):
		known.ReadFailed(ctx, resp, mgmt, classKind, state.object(), err, imported)
		return
	case err == nil && known.UID != "" && known.UID != class.UID:
		resp.Diagnostics.Append(tfkit.AnotherObject(state.object(), known.UID, class.UID))
		return
	case err == nil:
		err = state.read(ctx, mgmt, obj, class)
	}
	if err != nil {
		resp.Diagnostics.Append(tfkit.ReadError(state.object(), err, imported))
		return
	}
	known.Identify(ctx, r.session, mgmt.ID, class.UID)
	resp.Diagnostics.Append(tfkit.WriteRecord(ctx, r.session, resp.Private, known.UID, known)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, state)...)
}

// read takes everything over from the live class and its templates.
func (m *model) read(ctx context.Context, mgmt *management.Cluster, obj *unstructured.Unstructured, class *clusterv1.ClusterClass) error {
	content, imported := obj.Object, m.isImport()
	var err error
	if imported {
		if content, err = management.Importable(obj); err != nil {
			return err
		}
		for _, variable := range variables(content) {
			if variable["required"] == false {
				delete(variable, "required")
			}
		}
	}
	err = expand(ctx, mgmt, m.key().Namespace, content, imported)
	if err == nil && !m.Manifest.IsNull() {
		err = expandRemediations(ctx, mgmt, m.key().Namespace, content, m.templateNames())
	}
	if err != nil && !meta.IsNoMatchError(err) {
		return err
	}
	if err := m.FromAPI(content); err != nil { //nolint:contextcheck // Converting values waits for nothing.
		return err
	}
	m.observe(class, content)
	return nil
}

func get(ctx context.Context, mgmt *management.Cluster, key client.ObjectKey) (*unstructured.Unstructured, error) {
	obj := &unstructured.Unstructured{}
	obj.SetGroupVersionKind(clusterv1.GroupVersion.WithKind(clusterv1.ClusterClassKind))
	return obj, mgmt.Get(ctx, key, obj)
}

// getClass reads a class with all its fields, and as what it is.
func getClass(ctx context.Context, mgmt *management.Cluster, key client.ObjectKey) (*unstructured.Unstructured, *clusterv1.ClusterClass, error) {
	obj, err := get(ctx, mgmt, key)
	if err != nil {
		return nil, nil, err
	}
	class := &clusterv1.ClusterClass{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(obj.Object, class); err != nil {
		return nil, nil, fmt.Errorf("cannot read ClusterClass %s: %w", key, err)
	}
	return obj, class, nil
}

// Update makes the templates whose content changed, moves the class to them, and
// removes those that nothing refers to any more.
func (r *Resource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan model
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	known, diags := tfkit.ReadRecord[tfkit.Record](ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
	waitCtx, cancel, mgmt, err := tfkit.Begin(ctx, r.session, plan.Timeouts.Update, defaultTimeouts.Update, plan.ManagementCluster, known.Management)
	defer cancel()
	if err != nil {
		resp.Diagnostics.Append(tfkit.ConnectError(err))
		return
	}
	before, err := get(waitCtx, mgmt, plan.key())
	if err == nil {
		err = classes.NoteGenerations(waitCtx, r.session, mgmt, plan.ManagementCluster, plan.key())
	}
	if err != nil {
		resp.Diagnostics.Append(tfkit.RequestError("read "+plan.object()+" and its clusters", err))
		return
	}
	if known.UID != "" && known.UID != before.GetUID() {
		resp.Diagnostics.Append(tfkit.AnotherObject(plan.object(), known.UID, before.GetUID()))
		return
	}
	desired, diags := update(waitCtx, mgmt, &plan, before.GetUID())
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	if known.Creation != "" && mgmt.Unmark(waitCtx, before, known.Creation) == nil {
		known.Creation = ""
	}
	finished, diags := finish(ctx, waitCtx, mgmt, &plan)
	resp.Diagnostics.Append(diags...)
	if finished {
		// As long as the class is not accepted, controllers may still work from
		// the old templates.
		resp.Diagnostics.Append(cleanUp(waitCtx, mgmt, plan, before, desired.class)...)
	}
	known.Identify(ctx, r.session, mgmt.ID, before.GetUID())
	resp.Diagnostics.Append(tfkit.WriteRecord(ctx, r.session, resp.Private, known.UID, known)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
	resp.Diagnostics.Append(tfkit.NoteWait(ctx, resp.Private, finished)...)
}

// Delete waits until no cluster uses the class, and then deletes it and its
// templates.
func (r *Resource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state model
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	known, diags := tfkit.ReadRecord[tfkit.Record](ctx, req.Private)
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel, mgmt, err := tfkit.Begin(ctx, r.session, state.Timeouts.Delete, defaultTimeouts.Delete, state.ManagementCluster, known.Management)
	defer cancel()
	if errors.Is(err, management.ErrGone) {
		return
	}
	if err != nil {
		resp.Diagnostics.Append(tfkit.ConnectError(err))
		return
	}
	class, err := get(ctx, mgmt, state.key())
	switch {
	case management.IsAbsent(err):
		if err := known.Absence(ctx, mgmt, classKind, err); !errors.Is(err, management.ErrGone) {
			resp.Diagnostics.Append(tfkit.Undecided(state.object(), err))
		}
		return
	case err == nil && known.UID == "":
		resp.Diagnostics.Append(tfkit.Unrecorded(state.object()))
		return
	case err == nil && known.UID != class.GetUID():
		resp.Diagnostics.Append(tfkit.AnotherObject(state.object(), known.UID, class.GetUID()))
		return
	case err == nil:
		err = waitUnused(ctx, mgmt, state.key(), deletionGrace)
	}
	var inUse *inUseError
	if errors.As(err, &inUse) {
		resp.Diagnostics.AddError("Class in use", fmt.Sprintf("%s cannot be deleted while clusters use it, and none of them is being deleted:\n\n%s\n\n"+
			"Delete them, or move them to another class. A cluster of the same configuration goes first if its topology.class refers to the class's name.",
			state.object(), inUse))
		return
	}
	var timedOut *waiter.TimeoutError
	if errors.As(err, &timedOut) {
		resp.Diagnostics.Append(tfkit.TimeoutErrorDiagnostic("all clusters of "+state.object()+" to be gone", timedOut,
			"A class cannot be deleted while clusters use it. Delete them, or move them to another class."))
		return
	}
	if err == nil {
		err = deleteClass(ctx, mgmt, class)
	}
	if err != nil {
		resp.Diagnostics.Append(tfkit.RequestError("delete "+state.object(), err))
	}
}
