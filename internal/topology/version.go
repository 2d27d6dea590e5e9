// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/blang/semver/v4"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/exp/topology/desiredstate"
)

const (
	versionField   = "spec.topology.version"
	upgradePlanner = "Cluster API's upgrade planner"
)

// ParseVersion parses a Kubernetes version as Cluster API wants it: a semantic
// version after a "v", such as v1.35.0.
func ParseVersion(v string) (semver.Version, error) {
	rest, ok := strings.CutPrefix(v, "v")
	if !ok {
		return semver.Version{}, fmt.Errorf("version %q does not start with \"v\", as in v1.35.0", v)
	}
	parsed, err := semver.Parse(rest)
	if err != nil {
		return semver.Version{}, fmt.Errorf("version %q is not a semantic version after the \"v\", as in v1.35.0: %w", v, err)
	}
	return parsed, nil
}

// ValidateVersion returns why a cluster's version may not change from one to
// the other: Kubernetes cannot be downgraded, and goes up by one minor version
// at a time. A class that lists its Kubernetes versions, or has an extension
// that plans upgrades, lets Cluster API go through the minors in between by
// itself, so that without a class (nil) only downgrades are wrong.
func ValidateVersion(from, to string, class *clusterv1.ClusterClass) []Problem {
	switch {
	case from == to:
		return nil
	case class == nil, class.Spec.Upgrade.External.GenerateUpgradePlanExtension != "":
		return versionProblem(downgrade(from, to))
	}
	_, err := UpgradePath(from, to, class.Spec.KubernetesVersions)
	return versionProblem(err)
}

func versionProblem(err error) []Problem {
	problems := Problems(err)
	for i := range problems {
		problems[i].Field = versionField
	}
	return problems
}

// UpgradePath returns the versions that a control plane goes through from one
// version (excluded) to another (included). versions is what the class offers,
// oldest first; if it is empty only the next minor version can be reached. For
// every minor in between it takes the newest patch release on offer, as Cluster
// API does. The error is a PanicError if Cluster API's code panicked.
func UpgradePath(from, to string, versions []string) (path []string, err error) {
	defer Guard(upgradePlanner, &err)
	if err := downgrade(from, to); err != nil {
		return nil, err
	}
	start, end, err := parseBoth(from, to)
	if err != nil {
		return nil, err
	}
	if start.EQ(end) {
		return nil, nil
	}
	if len(versions) == 0 {
		if end.Major == start.Major && end.Minor <= start.Minor+1 {
			return []string{to}, nil
		}
		return nil, fmt.Errorf("it goes up by one minor version at a time: from %s the next is v%d.%d; "+
			"or list the versions in between in the class's kubernetes_versions, and Cluster API goes through them", from, start.Major, start.Minor+1)
	}
	if !slices.Contains(versions, to) {
		return nil, fmt.Errorf("the class offers the versions %s only", strings.Join(versions, ", "))
	}
	return stepsThrough(versions, from, to)
}

// NextVersions returns those of the versions that a class offers, oldest first,
// that a cluster at the given version may be set to: all that are newer and can
// be reached by UpgradePath. There are none if the version is not one. The error
// is a PanicError if Cluster API's code panicked.
func NextVersions(version string, versions []string) ([]string, error) {
	var next []string
	for _, v := range versions {
		path, err := UpgradePath(version, v, versions)
		var panicked *PanicError
		switch {
		case errors.As(err, &panicked):
			return nil, err
		case err == nil && len(path) > 0:
			next = append(next, v)
		}
	}
	return next, nil
}

// stepsThrough has upstream choose, which skips the patch releases that the class
// offers of the minor version that is left.
func stepsThrough(versions []string, from, to string) ([]string, error) {
	// The function that is returned takes a context for its likes that call an extension.
	path, _, err := desiredstate.GetUpgradePlanFromClusterClassVersions(versions)(context.Background(), to, from, "")
	if err != nil {
		return nil, err
	}
	reached, err := ParseVersion(from)
	if err != nil {
		return nil, err
	}
	for _, step := range path {
		next, err := ParseVersion(step)
		if err != nil {
			return nil, err
		}
		if next.Minor > reached.Minor+1 {
			return nil, fmt.Errorf("the class offers no version of v%d.%d, which cannot be skipped", next.Major, reached.Minor+1)
		}
		reached = next
	}
	return path, nil
}

func downgrade(from, to string) error {
	start, end, err := parseBoth(from, to)
	if err != nil {
		return err
	}
	if end.LT(start) {
		return fmt.Errorf("it cannot be downgraded, and the cluster is at %s", from)
	}
	return nil
}

func parseBoth(from, to string) (start, end semver.Version, err error) {
	if start, err = ParseVersion(from); err != nil {
		return start, end, err
	}
	end, err = ParseVersion(to)
	return start, end, err
}
