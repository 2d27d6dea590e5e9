// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package identitytest

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"

	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
)

// configure writes a configuration with the resources, by name.
func (s Subject) configure(t *testing.T, w *acctest.Workspace, resources map[string]map[string]any) {
	t.Helper()
	content, err := json.Marshal(map[string]any{"resource": map[string]any{s.Type: resources}})
	if err != nil {
		t.Fatal(err)
	}
	w.Write("main.tf.json", string(content))
}

// with is the configuration with some attributes changed.
func (s Subject) with(change map[string]any) map[string]any {
	content := maps.Clone(s.Config)
	maps.Copy(content, change)
	return content
}

// Replacements tests that Terraform replaces a resource by one of the same name,
// however that is asked for.
func (s Subject) Replacements(t *testing.T) {
	t.Helper()
	acctest.NeedTerraform(t)
	opened := s.open(t, acctest.NeedAPIServer(t).Engine())
	t.Cleanup(opened.remove)
	w := opened.Provider.NewWorkspace(t)
	s.configure(t, w, map[string]map[string]any{"test": s.Config})
	address := s.Type + ".test"
	w.Terraform("apply", "-auto-approve")
	for _, commands := range [][]string{
		{"taint " + address, "apply -auto-approve"},
		{"apply -auto-approve -replace=" + address},
		{"apply -auto-approve -refresh=false -replace=" + address},
		{"plan -out=plan -replace=" + address, "apply plan"},
	} {
		before := opened.uid()
		for _, command := range commands {
			w.Terraform(strings.Fields(command)...)
		}
		if after := opened.uid(); after == "" || after == before {
			t.Errorf("after %q the object is %q, and was %q", commands, after, before)
		}
		w.NeedEmptyPlan()
	}
	w.Terraform("destroy", "-auto-approve")
	if opened.live() != nil {
		t.Error("the object was not destroyed")
	}
}

// Twins tests resources of one configuration that have, or want, the same name.
func (s Subject) Twins(t *testing.T) {
	t.Helper()
	acctest.NeedTerraform(t)
	opened := s.open(t, acctest.NeedAPIServer(t).Engine())
	t.Cleanup(opened.remove)
	w := opened.Provider.NewWorkspace(t)
	s.configure(t, w, map[string]map[string]any{"test": s.with(map[string]any{"count": 2})})
	out, code := w.Try("plan")
	if refusals := regexp.MustCompile("Error: Two resources create the same object").FindAllString(out, -1); code != 1 || len(refusals) != 1 {
		t.Errorf("count = 2 with one name: exit code %d:\n%s", code, out)
	}
	if !s.Renames {
		return
	}
	name := fmt.Sprint(s.Config["name"])
	one, other := s.Config, s.with(map[string]any{"name": name + "-other"})
	s.configure(t, w, map[string]map[string]any{"one": one, "other": other})
	w.Terraform("apply", "-auto-approve")
	s.configure(t, w, map[string]map[string]any{"one": other, "other": one})
	for _, args := range [][]string{{"plan"}, {"plan", "-parallelism=2"}, {"plan", "-refresh=false"}} {
		if out := w.Terraform(args...); !strings.Contains(out, "Plan: 2 to add, 0 to change, 2 to destroy") {
			t.Errorf("terraform %v, after swapping the names:\n%s", args, out)
		}
	}
	// A creation may come before the deletion that frees its name. It is refused, and the
	// next apply makes up for it.
	out, code = w.Try("apply", "-auto-approve")
	if code != 0 && (!strings.Contains(out, "Error: Already exists") || strings.Contains(out, "Error: Another object answers")) {
		t.Errorf("terraform apply, after swapping the names:\n%s", out)
	}
	w.Terraform("apply", "-auto-approve")
	w.NeedEmptyPlan()
	w.Terraform("destroy", "-auto-approve")
	if opened.live() != nil {
		t.Error("an object was not destroyed")
	}
}
