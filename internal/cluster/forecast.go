// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/live"
	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

// forecast is what a change does to the machines of a cluster.
type forecast struct {
	rolls   []topology.Roll
	upgrade *topology.Upgrade
	// quiet says that no machine comes, goes or is replaced.
	quiet bool
}

var (
	rolloutType, _ = rolloutAttribute().GetType().(types.ListType)
	upgradeType, _ = upgradeAttribute().GetType().(types.ObjectType)
)

// setForecast sets the attributes that say what rolls; nil stands for a cluster
// that is new.
func (m *model) setForecast(f *forecast) { m.Rollout, m.Upgrade = f.rolloutValue(), f.upgradeValue() }

// forgetForecast makes them unknown.
func (m *model) forgetForecast() {
	m.Rollout, m.Upgrade = types.ListUnknown(rolloutType.ElemType), types.ObjectUnknown(upgradeType.AttrTypes)
}

func (f *forecast) rolloutValue() types.List {
	element, _ := rolloutType.ElemType.(types.ObjectType)
	if f == nil {
		return types.ListNull(element)
	}
	elements := make([]attr.Value, len(f.rolls))
	for i, roll := range f.rolls {
		elements[i] = types.ObjectValueMust(element.AttrTypes, map[string]attr.Value{
			"machine_set":     types.StringValue(roll.Label()),
			"reasons":         stringList(roll.Reasons),
			"machines":        count(roll.Replicas),
			"strategy":        nonEmpty(roll.Strategy),
			"max_surge":       nonEmpty(roll.MaxSurge),
			"max_unavailable": nonEmpty(roll.MaxUnavailable),
		})
	}
	return types.ListValueMust(element, elements)
}

func (f *forecast) upgradeValue() types.Object {
	if f == nil || f.upgrade == nil {
		return types.ObjectNull(upgradeType.AttrTypes)
	}
	u := f.upgrade
	return types.ObjectValueMust(upgradeType.AttrTypes, map[string]attr.Value{
		"from":              types.StringValue(u.From),
		"to":                types.StringValue(u.To),
		"versions":          stringList(u.Versions),
		"steps":             stringList(u.Steps),
		"machines_replaced": count(u.MachinesReplaced),
		"surge":             nonEmpty(u.Surge),
		"untouched":         stringList(u.Untouched),
	})
}

// dropForecast drops what the last change was, once it has been carried out:
// otherwise the next plan would show it as something that goes away.
func (m *model) dropForecast() {
	if m.Ready.ValueBool() {
		m.setForecast(nil)
	}
}

// settle replaces what the plan could not tell by null: what changed is only
// known before a change.
func (m *model) settle() {
	if m.Rollout.IsUnknown() {
		m.Rollout = (*forecast)(nil).rolloutValue()
	}
	if m.Upgrade.IsUnknown() {
		m.Upgrade = (*forecast)(nil).upgradeValue()
	}
}

// announced are those of the generations whose machine sets the plan announced to
// roll.
func (m *model) announced(generations live.Generations) live.Generations {
	announced := live.Generations{}
	for _, element := range m.Rollout.Elements() {
		roll, _ := element.(types.Object)
		set, _ := roll.Attributes()["machine_set"].(types.String)
		if generation, found := generations[set.ValueString()]; found {
			announced[set.ValueString()] = generation
		}
	}
	return announced
}

func count[N int | int32](n *N) types.Int64 {
	if n == nil {
		return types.Int64Null()
	}
	return types.Int64Value(int64(*n))
}
