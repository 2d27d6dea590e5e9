// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import "testing"

func TestShortHash(t *testing.T) {
	base := shortHash("v1.35.0", "flags")
	if again := shortHash("v1.35.0", "flags"); again != base {
		t.Errorf("the same inputs gave %s and %s", base, again)
	}
	for _, inputs := range [][]string{{"v1.35.1", "flags"}, {"v1.35.0flags"}, {"v1.35.0", "flags", ""}, {"flags", "v1.35.0"}} {
		if shortHash(inputs...) == base {
			t.Errorf("inputs %q gave the hash of others", inputs)
		}
	}
}

func TestRecipeHashDependsOnInputs(t *testing.T) {
	node, err := recipeHash("kindest/node:v1.35.0")
	if err != nil {
		t.Fatal(err)
	}
	other, err := recipeHash("kindest/node:v1.34.3")
	if err != nil {
		t.Fatal(err)
	}
	if node == other {
		t.Error("two images have the same recipe")
	}
}
