// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package core

import (
	"fmt"
	"regexp"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/sets"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/controllers/manager"
)

// options are the flags of upstream's core manager, with its names and defaults.
type options struct {
	connectionGrace           time.Duration
	topologyConcurrency       int
	classConcurrency          int
	clusterConcurrency        int
	machineConcurrency        int
	machineSetConcurrency     int
	deploymentConcurrency     int
	machinePoolConcurrency    int
	resourceSetConcurrency    int
	healthCheckConcurrency    int
	preflightChecks           []string
	additionalSyncLabels      []string
	additionalSyncAnnotations []string
}

func (o *options) addFlags(fs *pflag.FlagSet) {
	fs.DurationVar(&o.connectionGrace, "remote-connection-grace-period", 50*time.Second,
		"How long after the last answer of a workload cluster the Cluster's RemoteConnectionProbe becomes False.")
	for _, flag := range []struct {
		target *int
		name   string
		value  int
	}{
		{&o.topologyConcurrency, "clustertopology", 50},
		{&o.classConcurrency, "clusterclass", 10},
		{&o.clusterConcurrency, "cluster", 50},
		{&o.machineConcurrency, "machine", 100},
		{&o.machineSetConcurrency, "machineset", 50},
		{&o.deploymentConcurrency, "machinedeployment", 50},
		{&o.machinePoolConcurrency, "machinepool", 50},
		{&o.resourceSetConcurrency, "clusterresourceset", 10},
		{&o.healthCheckConcurrency, "machinehealthcheck", 50},
	} {
		fs.IntVar(flag.target, flag.name+"-concurrency", flag.value, "Number of objects of this kind to process at the same time.")
	}
	fs.StringSliceVar(&o.preflightChecks, "machineset-preflight-checks", []string{string(clusterv1.MachineSetPreflightCheckAll)},
		"MachineSet preflight checks to run: All, or a list of KubeadmVersionSkew, KubernetesVersionSkew, ControlPlaneIsStable, ControlPlaneVersionSkew.")
	fs.StringSliceVar(&o.additionalSyncLabels, "additional-sync-machine-labels", nil,
		"Regular expressions of further labels to copy from Machines to Nodes.")
	fs.StringSliceVar(&o.additionalSyncAnnotations, "additional-sync-machine-annotations", nil,
		"Regular expressions of further annotations to copy from Machines to Nodes.")
}

func (o *options) validate(common *manager.Options) error {
	if common.RemoteConditionGrace <= o.connectionGrace {
		return fmt.Errorf("--remote-conditions-grace-period (%s) must be greater than --remote-connection-grace-period (%s)",
			common.RemoteConditionGrace, o.connectionGrace)
	}
	return nil
}

func (o *options) preflight() (sets.Set[clusterv1.MachineSetPreflightCheck], error) {
	known := sets.New(
		clusterv1.MachineSetPreflightCheckAll,
		clusterv1.MachineSetPreflightCheckKubeadmVersionSkew,
		clusterv1.MachineSetPreflightCheckKubernetesVersionSkew,
		clusterv1.MachineSetPreflightCheckControlPlaneIsStable,
		clusterv1.MachineSetPreflightCheckControlPlaneVersionSkew,
	)
	checks := sets.New[clusterv1.MachineSetPreflightCheck]()
	for _, name := range o.preflightChecks {
		check := clusterv1.MachineSetPreflightCheck(name)
		if name != "" && !known.Has(check) {
			return nil, fmt.Errorf("--machineset-preflight-checks: there is no check %q; there are %v", name, sets.List(known))
		}
		checks.Insert(check)
	}
	return checks.Delete(""), nil
}

func compile(flag string, expressions []string) ([]*regexp.Regexp, error) {
	compiled := make([]*regexp.Regexp, 0, len(expressions))
	for _, expression := range expressions {
		re, err := regexp.Compile(expression)
		if err != nil {
			return nil, fmt.Errorf("--%s: %w", flag, err)
		}
		compiled = append(compiled, re)
	}
	return compiled, nil
}
