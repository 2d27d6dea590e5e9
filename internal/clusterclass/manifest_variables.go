// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package clusterclass

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/cluster-api/cmd/clusterctl/client/yamlprocessor"

	"github.com/terraform-capi/terraform-provider-capi/internal/topology"
)

const variablesAttributeName = "manifest_variables"

// processor is what `clusterctl generate` fills in variables with.
var processor = yamlprocessor.NewSimpleProcessor()

// process returns the YAML with its variables filled in, as `clusterctl generate`
// would with the values in its environment. The error joins one for each variable
// without a value.
func (m Manifest) process() (_ string, err error) {
	if m.Variables == nil {
		return m.Text, nil
	}
	defer topology.Guard("clusterctl's processing of the variables of the manifest", &err)
	declared, err := processor.GetVariableMap([]byte(m.Text))
	if err != nil {
		return "", fmt.Errorf("clusterctl's processing of its variables fails: %w%s. Write $${...} for what is to stay ${...}", err, placeOf(m.Text))
	}
	var missing []error
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		if _, found := m.Variables[name]; !found && declared[name] == nil {
			missing = append(missing, m.missing(name))
		}
	}
	if len(missing) > 0 {
		return "", errors.Join(missing...)
	}
	processed, err := processor.Process([]byte(m.Text), func(name string) (string, error) {
		value, found := m.Variables[name]
		if !found {
			return "", fmt.Errorf("%s has no value", name)
		}
		return value, nil
	})
	return string(processed), err
}

// placeOf names the first line that the processor cannot read by itself.
func placeOf(text string) string {
	for i, line := range strings.Split(text, "\n") {
		if _, err := processor.GetVariableMap([]byte(line)); err != nil {
			return fmt.Sprintf(", in line %d", i+1)
		}
	}
	return ""
}

func (m Manifest) missing(name string) error {
	where := ""
	if first := regexp.MustCompile(`\$\{[\s#]*` + regexp.QuoteMeta(name) + `\b`).FindStringIndex(m.Text); first != nil {
		where = fmt.Sprintf(", first in line %d", 1+strings.Count(m.Text[:first[0]], "\n"))
	}
	count, noun := places(m.Text)[name], "places"
	if count == 1 {
		noun = "place"
	}
	return &attributeError{variablesAttributeName, fmt.Sprintf(
		"the variable %s has no value. The manifest needs it in %d %s%s. Add it to %s", name, count, noun, where, variablesAttributeName)}
}

// places says how often each variable stands in a text. Variables in the defaults
// of others count, of which the processor's own list has nothing.
func places(text string) (found map[string]int) {
	found = map[string]int{}
	// Functions of the processor panic for some values. What was counted stays.
	var err error
	defer topology.Guard("clusterctl's processing of variables", &err)
	declared, err := processor.GetVariableMap([]byte(text))
	if err != nil {
		return found
	}
	// The processor asks for each that is declared before it fills in anything.
	for name := range declared {
		found[name]--
	}
	_, err = processor.Process([]byte(text), func(name string) (string, error) {
		found[name]++
		return "", nil
	})
	return found
}

// unused says of each value that the manifest has no variable for it, and which it
// may be meant for.
func (m Manifest) unused() []string {
	used := places(m.Text)
	var found []string
	for _, name := range slices.Sorted(maps.Keys(m.Variables)) {
		if _, ok := used[name]; ok {
			continue
		}
		text := fmt.Sprintf("The manifest has no variable %s, so its value is not used.", name)
		if near := topology.Nearest(name, slices.Sorted(maps.Keys(used))); near != "" {
			text += fmt.Sprintf(" It has %s.", near)
		}
		found = append(found, text)
	}
	return found
}

// spacedVariable is what the processor takes for a variable although spaces are in
// it, whether it is escaped or not.
var spacedVariable = regexp.MustCompile(`\$\{(\s+[A-Za-z0-9_$]+\s*|[A-Za-z0-9_$]+\s+)\}`)

// escape returns the text that process makes the given one of.
func (m Manifest) escape(text string) string {
	if m.Variables == nil {
		return text
	}
	escaped := escapeDollars(text)
	// What came of a variable becomes one again: a value may be a secret, and the
	// text is shown in plans.
	filled := []string{}
	for _, name := range m.concealed() {
		filled = append(filled, escapeDollars(m.Variables[name]), "${"+name+"}")
	}
	shorter := m
	shorter.Text = strings.NewReplacer(filled...).Replace(escaped)
	if processed, err := shorter.process(); err == nil && processed == text {
		return shorter.Text
	}
	return escaped
}

func escapeDollars(text string) string {
	// The default of a variable that has no value breaks what would lose its spaces.
	text = spacedVariable.ReplaceAllStringFunc(text, func(spaced string) string { return "\x00" + spaced[len("${"):] })
	text = strings.ReplaceAll(text, "$", "$$")
	return strings.ReplaceAll(text, "\x00", "$$${_:={}")
}

// minConcealed is the length of the shortest value that is no word of any message.
const minConcealed = 6

// concealed are the variables whose values are not to be shown, those with the
// longest values first.
func (m Manifest) concealed() []string {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(m.Variables)), func(name string) bool { return len(m.Variables[name]) < minConcealed })
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(len(m.Variables[b]), len(m.Variables[a])) })
	return names
}

// conceal puts the variables back into a message, since their values may be
// secrets.
func (m Manifest) conceal(message string) string {
	var pairs []string
	for _, name := range m.concealed() {
		value := m.Variables[name]
		pairs = append(pairs, value, "${"+name+"}", strings.Trim(strconv.Quote(value), `"`), "${"+name+"}")
	}
	return strings.NewReplacer(pairs...).Replace(message)
}
