// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import "strings"

// Level is how far a cluster has to have come. Each level includes those before
// it.
type Level int

// The levels, in their order; levels says what they mean.
const (
	LevelNone Level = iota
	LevelInfrastructure
	LevelControlPlane
	LevelAvailable
	LevelNodes
	LevelRollout
)

// levels are the values of wait_for. Machines count as far as they have to be
// there; only the last level asks whether workers are the declared ones.
var levels = []struct{ name, meaning string }{
	LevelNone: {"none", "nothing is waited for"},
	LevelInfrastructure: {"infrastructure", "Cluster API has computed the topology as it is declared now, and what surrounds the machines, " +
		"such as the load balancer, is ready"},
	LevelControlPlane: {"control_plane", "the control plane answers and is at the declared version, and none of its machines is out of date; " +
		"there may be fewer of them than declared, and their nodes need no network plugin"},
	LevelAvailable: {"available", "all worker sets exist and, like the cluster, are available; during a rollout some machines may be old"},
	LevelNodes:     {"nodes", "as many machines as declared have ready nodes"},
	LevelRollout:   {"rollout", "every machine is as declared, none too many, and old ones are gone"},
}

func (l Level) String() string { return levels[l].name }

// LevelOf is the level of that name.
func LevelOf(name string) Level {
	for l := range levels {
		if levels[l].name == name {
			return Level(l)
		}
	}
	return LevelRollout
}

// LevelNames are the values of wait_for, in the order of the levels.
func LevelNames() []string {
	names := make([]string, len(levels))
	for l := range levels {
		names[l] = levels[l].name
	}
	return names
}

// DescribeLevels is the table of levels as a sentence in Markdown.
func DescribeLevels() string {
	list := make([]string, len(levels))
	for l := range levels {
		list[l] = "`" + levels[l].name + "`: " + levels[l].meaning
	}
	return strings.Join(list, ". ") + "."
}
