// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package capiprovider

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"
	corev1 "k8s.io/api/core/v1"
	k8sresource "k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	"github.com/terraform-capi/terraform-provider-capi/internal/bundle"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

const inPlace = " A change is made in place."

// managerAttribute is the part of an operator's ProviderSpec of this name, as far as the bundled controllers have it.
func managerAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "How the controllers work. Names and meaning are those of `spec.manager` of cluster-api-operator's providers. Default: as said for each." + inPlace,
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"verbosity": schema.Int64Attribute{
				CustomType:          tfkit.WholeNumberType{},
				MarkdownDescription: "How much is logged, 0 to 10. Default: 2." + inPlace,
				Optional:            true,
				Validators:          []validator.Int64{int64validator.Between(0, 10)},
			},
			"feature_gates": schema.MapAttribute{
				MarkdownDescription: "Cluster API's feature gates to open or close, by name. `ClusterTopology` is open, and `RuntimeSDK` and `InPlaceUpdates` are closed; these cannot be changed. Default: Cluster API's." + inPlace,
				ElementType:         types.BoolType,
				Optional:            true,
				Validators:          []validator.Map{mapvalidator.NoNullValues()},
			},
			"sync_period": schema.StringAttribute{
				MarkdownDescription: "How often all objects are reconciled even if nothing changed, as a duration. Default: `10m`." + inPlace,
				Optional:            true,
				Validators:          []validator.String{tfkit.Duration()},
			},
		},
	}
}

// deploymentAttribute is the part of an operator's ProviderSpec of this name.
func deploymentAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "How the controllers are deployed. Names and meaning are those of `spec.deployment` of cluster-api-operator's providers. Default: as said for each." + inPlace,
		Optional:            true,
		Attributes: map[string]schema.Attribute{
			"replicas": schema.Int64Attribute{
				CustomType:          tfkit.WholeNumberType{},
				MarkdownDescription: "Number of pods, 1 to 10. One of them leads; the others serve webhooks, and take over when it is gone. They are spread over nodes as far as there are some. Default: 1." + inPlace,
				Optional:            true,
				Validators:          []validator.Int64{int64validator.Between(1, 10)},
			},
			"node_selector": schema.MapAttribute{
				MarkdownDescription: "Labels of the nodes that pods may run on. Default: none." + inPlace,
				ElementType:         types.StringType,
				Optional:            true,
				Validators:          []validator.Map{mapvalidator.NoNullValues(), mapvalidator.KeysAre(tfkit.LabelKey()), mapvalidator.ValueStringsAre(tfkit.LabelValue())},
			},
			"tolerations": schema.ListNestedAttribute{
				MarkdownDescription: "Taints of nodes that pods tolerate. Default: the one of control plane nodes." + inPlace,
				Optional:            true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"key":      optional("Key of the taint. Default: every key, with the operator `Exists`."),
					"operator": optional("`Exists` or `Equal`. Default: `Equal`.", stringvalidator.OneOf(string(corev1.TolerationOpExists), string(corev1.TolerationOpEqual))),
					"value":    optional("Value of the taint, for the operator `Equal`. Default: empty."),
					"effect": optional("`NoSchedule`, `PreferNoSchedule` or `NoExecute`. Default: every effect.",
						stringvalidator.OneOf(string(corev1.TaintEffectNoSchedule), string(corev1.TaintEffectPreferNoSchedule), string(corev1.TaintEffectNoExecute))),
					"toleration_seconds": schema.Int64Attribute{
						CustomType:          tfkit.WholeNumberType{},
						MarkdownDescription: "For how long a taint of effect `NoExecute` is tolerated, in seconds. Default: for ever." + inPlace,
						Optional:            true,
					},
				}},
			},
			"image_pull_secrets": schema.ListNestedAttribute{
				MarkdownDescription: "Secrets in the namespace of the controllers with which the image is pulled. Default: none." + inPlace,
				Optional:            true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"name": schema.StringAttribute{MarkdownDescription: "Name of the Secret." + inPlace, Required: true, Validators: []validator.String{tfkit.DNSSubdomain()}},
				}},
			},
			"containers": schema.ListNestedAttribute{
				MarkdownDescription: "The container of the pods, which is `manager`. Its image is `image`. Default: as said for each." + inPlace,
				Optional:            true,
				Validators:          []validator.List{listvalidator.SizeAtMost(1)},
				NestedObject:        schema.NestedAttributeObject{Attributes: containerAttributes()},
			},
		},
	}
}

func containerAttributes() map[string]schema.Attribute {
	quantities := func(description string) schema.MapAttribute {
		return schema.MapAttribute{
			MarkdownDescription: description + inPlace, ElementType: types.StringType, Optional: true,
			Validators: []validator.Map{mapvalidator.NoNullValues(), mapvalidator.ValueStringsAre(tfkit.Quantity())},
		}
	}
	return map[string]schema.Attribute{
		"name": schema.StringAttribute{
			MarkdownDescription: "Name of the container: `manager`." + inPlace,
			Required:            true,
			Validators:          []validator.String{stringvalidator.OneOf("manager")},
		},
		"args": schema.MapAttribute{
			MarkdownDescription: "Further flags of the controllers, by name, with or without the leading dashes. Default: none." + inPlace,
			ElementType:         types.StringType,
			Optional:            true,
			Validators:          []validator.Map{mapvalidator.NoNullValues()},
		},
		"resources": schema.SingleNestedAttribute{
			MarkdownDescription: "What the container asks for, and may take at most. Default: as said for each." + inPlace,
			Optional:            true,
			Attributes: map[string]schema.Attribute{
				"requests": quantities("Requests, by resource. Default: `50m` of `cpu` and `64Mi` of `memory`."),
				"limits":   quantities("Limits, by resource. Default: none, because what controllers need grows with the number of clusters."),
			},
		},
	}
}

func optional(description string, validators ...validator.String) schema.StringAttribute {
	return schema.StringAttribute{MarkdownDescription: description + inPlace, Optional: true, Validators: validators}
}

type managerModel struct {
	Verbosity    *int64          `tfsdk:"verbosity"`
	FeatureGates map[string]bool `tfsdk:"feature_gates"`
	SyncPeriod   types.String    `tfsdk:"sync_period"`
}

type deploymentModel struct {
	Replicas         *int64            `tfsdk:"replicas"`
	NodeSelector     map[string]string `tfsdk:"node_selector"`
	Tolerations      []tolerationModel `tfsdk:"tolerations"`
	ImagePullSecrets []secretModel     `tfsdk:"image_pull_secrets"`
	Containers       []containerModel  `tfsdk:"containers"`
}

type tolerationModel struct {
	Key               types.String `tfsdk:"key"`
	Operator          types.String `tfsdk:"operator"`
	Value             types.String `tfsdk:"value"`
	Effect            types.String `tfsdk:"effect"`
	TolerationSeconds *int64       `tfsdk:"toleration_seconds"`
}

type secretModel struct {
	Name types.String `tfsdk:"name"`
}

type containerModel struct {
	Name      types.String      `tfsdk:"name"`
	Args      map[string]string `tfsdk:"args"`
	Resources *resourcesModel   `tfsdk:"resources"`
}

type resourcesModel struct {
	Requests map[string]string `tfsdk:"requests"`
	Limits   map[string]string `tfsdk:"limits"`
}

// settings are how the controllers are to run. All of them must be known.
func (m model) settings(ctx context.Context) (bundle.Settings, diag.Diagnostics) {
	var manager managerModel
	var deployment deploymentModel
	empty := basetypes.ObjectAsOptions{UnhandledNullAsEmpty: true}
	diags := m.Manager.As(ctx, &manager, empty)
	diags.Append(m.Deployment.As(ctx, &deployment, empty)...)
	settings := bundle.Settings{
		Verbosity: manager.Verbosity, FeatureGates: manager.FeatureGates, NodeSelector: deployment.NodeSelector,
	}
	settings.SyncPeriod, _ = time.ParseDuration(manager.SyncPeriod.ValueString()) // It has been validated.
	if deployment.Replicas != nil {
		settings.Replicas = ptr.To(int32(*deployment.Replicas)) //nolint:gosec // At most 10.
	}
	if deployment.Tolerations != nil {
		settings.Tolerations = []corev1.Toleration{}
	}
	for _, toleration := range deployment.Tolerations {
		settings.Tolerations = append(settings.Tolerations, corev1.Toleration{
			Key: toleration.Key.ValueString(), Operator: corev1.TolerationOperator(toleration.Operator.ValueString()), Value: toleration.Value.ValueString(),
			Effect: corev1.TaintEffect(toleration.Effect.ValueString()), TolerationSeconds: toleration.TolerationSeconds,
		})
	}
	for _, secret := range deployment.ImagePullSecrets {
		settings.ImagePullSecrets = append(settings.ImagePullSecrets, secret.Name.ValueString())
	}
	for _, container := range deployment.Containers {
		settings.Args = container.Args
		if container.Resources != nil {
			settings.Resources = corev1.ResourceRequirements{Requests: quantities(container.Resources.Requests), Limits: quantities(container.Resources.Limits)}
		}
	}
	return settings, diags
}

// quantities are those of resources, which have been validated.
func quantities(texts map[string]string) corev1.ResourceList {
	if texts == nil {
		return nil
	}
	list := corev1.ResourceList{}
	for name, text := range texts {
		if quantity, err := k8sresource.ParseQuantity(text); err == nil {
			list[corev1.ResourceName(name)] = quantity
		}
	}
	return list
}

// ValidateConfig refuses flags and feature gates with which the controllers would not start.
func (r *Resource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var config model
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() || !isKnown(ctx, config.Manager) || !isKnown(ctx, config.Deployment) || config.Name.IsUnknown() {
		return
	}
	settings, diags := config.settings(ctx)
	if diags.HasError() {
		// The validation of each attribute says it better.
		return
	}
	gates := path.Root("manager").AtName("feature_gates")
	for name, open := range settings.FeatureGates {
		if err := bundle.CheckFeatureGate(name, open); err != nil {
			resp.Diagnostics.AddAttributeError(gates.AtMapKey(name), "Invalid feature gate", tfkit.Capitalize(err.Error())+".")
		}
	}
	args := path.Root("deployment").AtName("containers").AtListIndex(0).AtName("args")
	for name, value := range settings.Args {
		err := bundle.CheckFlag(name)
		if err == nil {
			err = r.bundle.CheckFlags(config.Name.ValueString(), []string{"--" + bundle.FlagName(name) + "=" + value})
		}
		if err != nil {
			resp.Diagnostics.AddAttributeError(args.AtMapKey(name), "Invalid flag", fmt.Sprintf(
				"The controllers of %s would not start with it: %s.", config.Name.ValueString(), err))
		}
	}
}

func isKnown(ctx context.Context, object types.Object) bool {
	value, err := object.ToTerraformValue(ctx)
	return err == nil && value.IsFullyKnown()
}
