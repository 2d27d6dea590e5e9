// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"errors"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// generated is what `clusterctl generate` makes of a text.
func generated(t *testing.T, text string, values map[string]string) string {
	t.Helper()
	made, err := processor.Process([]byte(text), func(name string) (string, error) {
		if value, found := values[name]; found {
			return value, nil
		}
		return "", errors.New("not set")
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(made)
}

// What becomes of a text is what clusterctl makes of it, wherever a variable is.
func TestManifestProcess(t *testing.T) {
	values := map[string]string{"X": "abcdef", "lower_case": "small", "EMPTY": "", "LIST": "[a, b]"}
	for text, want := range map[string]string{
		"${X}":                   "abcdef",
		"a: ${ X }":              "a: abcdef",
		"${lower_case}: key":     "small: key",
		"# ${X} in a comment":    "# abcdef in a comment",
		`"${X:0:3}"`:             `"abc"`,
		`"${LIMIT:=5}"`:          `"5"`,
		"${LIMIT:=5}":            "5",
		"${A:-${B:-c}}":          "c",
		"${A:=${X}}":             "abcdef",
		"${EMPTY:=d}":            "d",
		"${EMPTY}":               "",
		"${LIST}":                "[a, b]",
		"${X^^}":                 "ABCDEF",
		"${X/b/c}":               "accdef",
		"echo $${HOME}":          "echo ${HOME}",
		"echo $${HOME:-x}":       "echo ${HOME:-x}",
		"$$ $HOME $(date) $":     "$ $HOME $(date) $",
		"{a: ${X}, b: [${X}]}\n": "{a: abcdef, b: [abcdef]}\n",
	} {
		got, err := Manifest{Text: text, Variables: values}.process()
		if err != nil || got != want || got != generated(t, text, values) {
			t.Errorf("%s: got %q, %v; want %q, and clusterctl makes %q", text, got, err, want, generated(t, text, values))
		}
		if got, err := (Manifest{Text: text}).process(); err != nil || got != text {
			t.Errorf("%s: without values it became %q, %v", text, got, err)
		}
	}
}

// A variable without a value is one error, whatever the number of its places.
func TestManifestMissingValues(t *testing.T) {
	text := "a: ${X}\nb: [\"${X}\", '${Y:-${X}}']\nc: ${ Z }\nd: ${D:=1}\n# ${X:0:1}\n"
	_, err := Manifest{Text: text, Variables: map[string]string{"Q": "1"}}.process()
	diags := Manifest{}.diagnostics(err)
	var got []string
	for _, d := range diags {
		got = append(got, d.Detail())
	}
	want := []string{
		"The variable X has no value. The manifest needs it in 4 places, first in line 1. Add it to manifest_variables.",
		"The variable Z has no value. The manifest needs it in 1 place, first in line 3. Add it to manifest_variables.",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What the processor cannot do is an error that says where, and never a panic.
func TestManifestUnprocessable(t *testing.T) {
	for text, want := range map[string]string{
		"a: 1\nb: ${X\n":  `in line 2`,
		"a: ${!X}":        `in line 1`,
		"a: ${X:0:-1}":    `panicked`,
		"a: $(cat ${X@})": `in line 1`,
	} {
		_, err := Manifest{Text: text, Variables: map[string]string{"X": "secret"}}.process()
		if err == nil || !regexp.MustCompile(want).MatchString(err.Error()) {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

// Values that nothing uses are told, with what they may be meant for.
func TestManifestUnusedValues(t *testing.T) {
	source := Manifest{Text: "${CLUSTER_CLASS_NAME} ${A:-${NESTED:-1}}", Variables: map[string]string{
		"CLUSTER_CLASSES_NAME": "x", "NESTED": "2", "SOMETHING": "y",
	}}
	got := source.unused()
	want := []string{
		"The manifest has no variable CLUSTER_CLASSES_NAME, so its value is not used. It has CLUSTER_CLASS_NAME.",
		"The manifest has no variable SOMETHING, so its value is not used.",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Whatever is live can be written so that the processor gives it back.
func TestManifestEscape(t *testing.T) {
	values := map[string]string{"TOKEN": "s3cr3t-token", "OTHER": "a$${b}c", "SHORT": "x"}
	source := Manifest{Variables: values}
	check := func(text string) string {
		t.Helper()
		source.Text = source.escape(text)
		got, err := source.process()
		if err != nil || got != text {
			t.Fatalf("%q became %q through %q, %v", text, got, source.Text, err)
		}
		return source.Text
	}
	for _, text := range []string{"${HOME}", "$$", "$${X}", "$$${X}", "${ VAR }", "$${ VAR }", "${VAR\t}", "$", "${", "${A:-${B}}", "$(x) ${X} }", "${TOKEN}"} {
		check(text)
	}
	if text := check("token: s3cr3t-token $s3cr3t-token"); strings.Contains(text, "s3cr3t") {
		t.Errorf("the value is shown: %s", text)
	}
	random := rand.New(rand.NewPCG(1, 2))
	parts := []string{"$", "{", "}", " ", "A", ":", "-", "=", "\n", "s3cr3t-token", "a$${b}c", "\\", "/", "#", "_"}
	for range 5000 {
		text := ""
		for range random.IntN(12) {
			text += parts[random.IntN(len(parts))]
		}
		check(text)
	}
	if text := (Manifest{}).escape("${X}"); text != "${X}" {
		t.Errorf("a manifest without variables is written as %s", text)
	}
}

// No message has a value.
func TestManifestConceal(t *testing.T) {
	source := Manifest{Variables: map[string]string{"A": "pass\"word", "B": "pass\"word-and-more", "C": "x", "D": "line one\nline two"}}
	got := source.conceal(`value "pass\"word-and-more" of pass"word x "line one\nline two"`)
	if want := `value "${B}" of ${A} x "${D}"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// What looks like a variable is told if nodes have no use for it.
func TestManifestUnfilled(t *testing.T) {
	const rest = "apiVersion: infrastructure.example.com/v1\nkind: BoxTemplate\nmetadata: {name: \"${NAME}-box\"}\nspec:\n  template:\n    spec:\n"
	for text, want := range map[string][]string{
		"      size: ${SIZE:=1}":                                 {"NAME", "SIZE"},
		"      tags: {\"owner/${TEAM}\": x}":                     {"NAME", "TEAM"},
		"      image: \"${image_name}\"":                         {"NAME", "image_name"},
		"      script: echo $${HOME} ${HOME}":                    {"NAME"},
		"      other: echo $${HOME}":                             {"NAME"},
		"      preRKE2Commands: [\"echo ${HOSTNAME}\"]":          {"NAME"},
		"      deep: {files: [{path: a, content: \"${HOME}\"}]}": {"NAME"},
		"      userData: ${X}":                                   {"NAME"},
		"      list: [{op: add, path: /spec/template/spec/kubeadmConfigSpec/preKubeadmCommands/-, value: \"${HOME}\"}]":                                             {"NAME"},
		"      list: [{op: add, path: /spec/template/spec/where, value: \"${SITE}\"}]":                                                                              {"NAME", "SITE"},
		"      list: [{op: add, path: /spec/template/spec, valueFrom: {template: \"postKubeadmCommands:\\n- echo ${HOME}\"}}]":                                      {"NAME"},
		"      list: [{op: add, path: /spec/template/spec/more, valueFrom: {template: \"size: ${SIZE:=small}\"}}]":                                                  {"NAME", "SIZE"},
		"      list: [{op: add, path: /spec/template/spec/kubeadmConfigSpec, value: {initConfiguration: {nodeRegistration: {name: \"${HOST}\"}}, x: \"${SITE}\"}}]": {"NAME", "SITE"},
	} {
		docs := documents(rest+text, true)
		if got := unfilled(docs); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v (%v)", text, got, want, faultsOf(docs))
		}
	}
}
