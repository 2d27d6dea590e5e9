// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/component-base/featuregate"
	"sigs.k8s.io/cluster-api/feature"
)

// Settings say how the controllers of a provider run, where that is not the default, which is the zero value. Their names are
// those of the ProviderSpec of cluster-api-operator.
type Settings struct {
	// Verbosity of the logs; nil is the controllers' own default.
	Verbosity *int64
	// FeatureGates to open or close, by name.
	FeatureGates map[string]bool
	// SyncPeriod is how often all objects are reconciled; 0 is the controllers' own default.
	SyncPeriod time.Duration
	// Args are further flags, by name, with or without the leading dashes.
	Args map[string]string
	// Replicas is the number of pods, of which one leads; nil is 1.
	Replicas *int32
	// NodeSelector are labels of the nodes that pods may run on.
	NodeSelector map[string]string
	// Tolerations of the pods; nil tolerates control plane nodes.
	Tolerations []corev1.Toleration
	// ImagePullSecrets are names of Secrets in the namespace of the controllers.
	ImagePullSecrets []string
	// Resources replace those of the container, each list for itself.
	Resources corev1.ResourceRequirements
}

// reservedFlags are what the installation says itself, and what has a setting of its own.
var reservedFlags = map[string]string{
	"provider": "", "leader-elect": "", "webhook-secret": "", "webhook-service": "", "webhook-port": "", "webhook-cert-dir": "", "health-addr": "",
	"feature-gates": "manager.feature_gates", "v": "manager.verbosity", "sync-period": "manager.sync_period",
}

// FlagName is the name of a flag as the controllers know it: without the leading dashes, and with dashes for underscores.
func FlagName(name string) string {
	return strings.ReplaceAll(strings.TrimPrefix(name, "--"), "_", "-")
}

// CheckFlag says why a flag may not be among Settings.Args.
func CheckFlag(name string) error {
	setting, reserved := reservedFlags[FlagName(name)]
	switch {
	case setting != "":
		return fmt.Errorf("--%s is set by %s", FlagName(name), setting)
	case reserved:
		return fmt.Errorf("--%s is set by the installation", FlagName(name))
	}
	return nil
}

// CheckFeatureGate says why a feature gate may not be set as it is.
func CheckFeatureGate(name string, open bool) error {
	// What opens several gates at once opens some that the controllers cannot do with.
	known := maps.Clone(feature.MutableGates.GetAll())
	maps.DeleteFunc(known, func(name featuregate.Feature, _ featuregate.FeatureSpec) bool {
		return strings.HasPrefix(string(name), "All")
	})
	if _, found := known[featuregate.Feature(name)]; !found {
		names := make([]string, 0, len(known))
		for name := range known {
			names = append(names, string(name))
		}
		slices.Sort(names)
		return fmt.Errorf("cluster API %s has no feature gate %q; it has %s", Version(), name, strings.Join(names, ", "))
	}
	switch gate := featuregate.Feature(name); {
	case gate == feature.ClusterTopology && !open:
		return fmt.Errorf("%s cannot be closed: all classes need it", name)
	case (gate == feature.RuntimeSDK || gate == feature.InPlaceUpdates) && open:
		return fmt.Errorf("%s cannot be opened: the bundled controllers call no runtime extensions", name)
	}
	return nil
}

// Flags are the flags of the settings, in a stable order.
func (s Settings) Flags() []string {
	var flags []string
	for name, value := range s.Args {
		flags = append(flags, "--"+FlagName(name)+"="+value)
	}
	slices.Sort(flags)
	if len(s.FeatureGates) > 0 {
		var gates []string
		for _, name := range slices.Sorted(maps.Keys(s.FeatureGates)) {
			gates = append(gates, fmt.Sprintf("%s=%t", name, s.FeatureGates[name]))
		}
		flags = append(flags, "--feature-gates="+strings.Join(gates, ","))
	}
	if s.SyncPeriod > 0 {
		flags = append(flags, "--sync-period="+s.SyncPeriod.String())
	}
	if s.Verbosity != nil {
		flags = append(flags, fmt.Sprintf("--v=%d", *s.Verbosity))
	}
	return flags
}

// placePods says where the pods run. Several are spread over nodes, as far as there are some, so that a node takes no more
// than one with it.
func (s Settings) placePods(pods *corev1.PodSpec, labels map[string]string) {
	pods.NodeSelector = s.NodeSelector
	if s.Tolerations != nil {
		pods.Tolerations = s.Tolerations
	}
	for _, name := range s.ImagePullSecrets {
		pods.ImagePullSecrets = append(pods.ImagePullSecrets, corev1.LocalObjectReference{Name: name})
	}
	if s.Replicas != nil && *s.Replicas > 1 {
		pods.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{
			MaxSkew: 1, TopologyKey: corev1.LabelHostname, WhenUnsatisfiable: corev1.ScheduleAnyway,
			LabelSelector: &metav1.LabelSelector{MatchLabels: labels},
		}}
	}
}

// resources are the container's, or those that replace them.
func (s Settings) resources(byDefault corev1.ResourceRequirements) corev1.ResourceRequirements {
	if s.Resources.Requests != nil {
		byDefault.Requests = s.Resources.Requests
	}
	if s.Resources.Limits != nil {
		byDefault.Limits = s.Resources.Limits
	}
	return byDefault
}
