// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package connection

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Value is what an attribute says.
type Value struct {
	// Text is the value. That of a bool is true or false, and that of exec is JSON.
	Text string
	// Unknown says that the value becomes known only during apply.
	Unknown bool
	// Variable is the environment variable that says so; empty for the provider block.
	Variable string
}

// says tells whether the value says anything, or may. An empty text is what an optional variable of a module gives.
func (v Value) says() bool { return v.Unknown || v.Text != "" }

// normalized is the value as it counts: trimmed, as files end with a line break, and without what switches nothing on.
func (v Value) normalized(attribute Attribute) Value {
	v.Text = strings.TrimSpace(v.Text)
	if slices.Contains(switches, attribute) {
		if on, err := strconv.ParseBool(v.Text); err == nil {
			v.Text = map[bool]string{true: "true"}[on]
		}
	}
	return v
}

// Connection is how to reach a management cluster. The zero value says nothing.
type Connection struct {
	// place is the attribute that says where the management cluster is; empty if none does.
	place  Attribute
	values map[Attribute]Value
	// fault is what is wrong with values from the environment. It matters when they are used: the variables may be
	// meant for another provider.
	fault error
}

// Problem is something that is wrong with an attribute of the provider block.
type Problem struct {
	Attribute       Attribute
	Summary, Detail string
}

// New completes what the provider block says from the environment. What the block says goes first, and decides what else
// is looked for: variables for other places, or for another way to say who asks, are ignored. Values of the block that can be
// seen to be wrong are problems. What is not known yet contradicts nothing: it may turn out to be null.
func New(block map[Attribute]Value, getenv func(string) string) (Connection, []Problem) {
	c := Connection{values: map[Attribute]Value{}}
	for attribute, value := range block {
		if value = value.normalized(attribute); value.says() {
			c.values[attribute] = value
		}
	}
	environment := environment{getenv}
	problems := c.findPlace(environment)
	if c.place != "" && len(problems) == 0 {
		problems = slices.Concat(c.findIdentity(environment), c.findOptions(environment))
	}
	if c.place != "" && len(problems) == 0 {
		problems = c.check()
	}
	return c.sort(problems)
}

// sort takes problems of values from the environment over into the connection.
func (c Connection) sort(problems []Problem) (Connection, []Problem) {
	var ofBlock []Problem
	for _, problem := range problems {
		switch {
		case c.values[problem.Attribute].Variable == "":
			ofBlock = append(ofBlock, problem)
		case c.fault == nil:
			c.fault = errors.New(strings.TrimSuffix(problem.Detail, "."))
		}
	}
	return c, ofBlock
}

// environment is where values come from that the block does not have.
type environment struct{ getenv func(string) string }

// find is what a set of variables says about attributes.
func (e environment) find(variable func(Attribute) string, attributes []Attribute) map[Attribute]Value {
	found := map[Attribute]Value{}
	for _, attribute := range attributes {
		name := variable(attribute)
		if name == "" {
			continue
		}
		if value := (Value{Text: e.getenv(name), Variable: name}).normalized(attribute); value.says() {
			found[attribute] = value
		}
	}
	return found
}

// findPlace finds out where the management cluster is.
func (c *Connection) findPlace(from environment) []Problem {
	said := c.said(places)
	for _, variable := range variableSets {
		if len(said) > 0 {
			break
		}
		for attribute, value := range from.find(variable, places) {
			c.values[attribute] = value
		}
		said = c.said(places)
	}
	known := c.known(said)
	switch {
	case len(said) == 0:
		return nil
	case len(known) > 1:
		c.place = known[0]
		return []Problem{{known[1], "Two management clusters", fmt.Sprintf(
			"%s and %s each say where the management cluster is. Leave all but one out.", capitalize(c.Source(known[0])), c.Source(known[1]))}}
	case len(known) == 1:
		c.place = known[0]
	default:
		c.place = said[0]
	}
	return nil
}

// setsFor are the sets of variables that complete what is said of a place. Those that are shared with another provider may
// be about a cluster of its own, unless that is this one.
func (c *Connection) setsFor(from environment) []func(Attribute) string {
	theirs := from.getenv(shared[c.place])
	if c.place == Host && theirs == "" || theirs != "" && theirs == c.values[c.place].Text {
		return variableSets
	}
	return variableSets[:1]
}

// findIdentity finds out who asks. Only a host needs that said.
func (c *Connection) findIdentity(from environment) []Problem {
	all := slices.Concat(identities...)
	if c.place != Host {
		return nil
	}
	// An identity is not put together from the block and variables, except for the halves of a certificate's pair.
	for _, variable := range c.setsFor(from) {
		said := c.said(all)
		for attribute, value := range from.find(variable, all) {
			if len(said) == 0 || slices.Equal(said, []Attribute{ClientCertificate}) && attribute == ClientKey ||
				slices.Equal(said, []Attribute{ClientKey}) && attribute == ClientCertificate {
				c.values[attribute] = value
			}
		}
	}
	var ways []Attribute
	for _, identity := range identities {
		if known := c.known(c.said(identity)); len(known) > 0 {
			ways = append(ways, known[0])
		}
	}
	if len(ways) > 1 {
		return []Problem{{ways[1], "Two sets of credentials", fmt.Sprintf(
			"%s and %s each say who asks. Leave all but one out.", capitalize(c.Source(ways[0])), c.Source(ways[1]))}}
	}
	if pair := c.said(identities[1]); len(pair) == 1 && len(c.known(pair)) == 1 {
		return []Problem{{pair[0], "Half of a certificate and its key", fmt.Sprintf(
			"%s needs the other half: set both client_certificate and client_key.", capitalize(c.Source(pair[0])))}}
	}
	return nil
}

// findOptions finds out how the management cluster is spoken to, and refuses what does not go with the place.
func (c *Connection) findOptions(from environment) []Problem {
	for _, variable := range c.setsFor(from) {
		for attribute, value := range from.find(variable, c.options()) {
			if _, said := c.values[attribute]; !said {
				c.values[attribute] = value
			}
		}
	}
	var problems []Problem
	if len(c.known(c.said(places))) == len(c.said(places)) {
		for _, attribute := range c.known(c.said(nil)) {
			if attribute != c.place && !slices.Contains(takes[c.place], attribute) {
				problems = append(problems, Problem{attribute, "Attributes that exclude each other", fmt.Sprintf(
					"%s does not go with %s, which says it by itself. %s", capitalize(c.Source(attribute)), c.Source(c.place), goesWith(attribute))})
			}
		}
	}
	if len(c.known([]Attribute{Insecure, ClusterCACertificate})) == 2 {
		problems = append(problems, Problem{Insecure, "Attributes that exclude each other", fmt.Sprintf(
			"%s would ignore %s. Leave one of them out.", capitalize(c.Source(Insecure)), c.Source(ClusterCACertificate))})
	}
	return problems
}

// options are the attributes that go with the place and do not say who asks.
func (c *Connection) options() []Attribute {
	return slices.DeleteFunc(slices.Clone(takes[c.place]), func(a Attribute) bool {
		return slices.ContainsFunc(identities, func(identity []Attribute) bool { return slices.Contains(identity, a) })
	})
}

// goesWith says where an attribute can be used.
func goesWith(attribute Attribute) string {
	var with []string
	for _, place := range places {
		if slices.Contains(takes[place], attribute) {
			with = append(with, string(place))
		}
	}
	return fmt.Sprintf("It is for %s.", strings.Join(with, " and "))
}

// said are those of the attributes, or of all, that say something, in a stable order.
func (c *Connection) said(among []Attribute) []Attribute {
	if among == nil {
		among = slices.Concat(places, []Attribute{Context, ClusterCACertificate, Insecure, TLSServerName, ProxyURL}, slices.Concat(identities...))
	}
	var said []Attribute
	for _, attribute := range among {
		if c.values[attribute].says() {
			said = append(said, attribute)
		}
	}
	return said
}

// known are those of the attributes that say something that is known.
func (c *Connection) known(among []Attribute) []Attribute {
	return slices.DeleteFunc(slices.Clone(among), func(a Attribute) bool { return c.values[a].Unknown || !c.values[a].says() })
}

// Source names an attribute and where its value comes from, for messages.
func (c Connection) Source(attribute Attribute) string {
	if variable := c.values[attribute].Variable; variable != "" {
		return "the environment variable " + variable
	}
	return fmt.Sprintf("the provider block's %s", attribute)
}

// String says where all values come from, for messages.
func (c Connection) String() string {
	var sources []string
	for _, attribute := range c.said(nil) {
		sources = append(sources, c.Source(attribute))
	}
	return strings.Join(sources, ", ")
}

// capitalize begins a sentence.
func capitalize(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
