// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package loadbalancer

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"reflect"
	"regexp"
	"text/template"
	"text/template/parse"
	"time"
)

// What a template may cost the manager. Real ones, of some KiB, take milliseconds and a few passes for each server.
const (
	// maxTemplate bounds the text, in bytes: Go's parser and interpreter recurse as deep as templates nest.
	maxTemplate = 64 << 10
	// maxConfig bounds the configuration and every string on the way to it, in bytes.
	maxConfig = 1 << 20
	// maxSteps bounds the passes of loops and the executions of templates by templates.
	maxSteps = 10_000
	// maxTime bounds the execution.
	maxTime = 10 * time.Second
)

// errTooLarge says that a template makes too much text.
var errTooLarge = fmt.Errorf("it makes more than %d bytes", maxConfig)

// formats are what printf takes: Go's, without what repeats arguments ("%[1]s") or pads them beyond a line.
var formats = regexp.MustCompile(`^([^%]|%[-+# 0]*[0-9]{0,2}(\.[0-9]{0,2})?[a-zA-Z%])*$`)

// execute executes a template within bounds: whoever may write a ConfigMap chooses the text.
func execute(text string, data any) ([]byte, error) {
	if len(text) > maxTemplate {
		return nil, fmt.Errorf("the HAProxy configuration template has %d bytes; it may have %d", len(text), maxTemplate)
	}
	budget := &budget{deadline: time.Now().Add(maxTime)}
	parsed, err := template.New("haproxy.cfg").Funcs(budget.functions()).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("the HAProxy configuration template is not a valid Go template: %w", err)
	}
	step := template.Must(template.New("").Funcs(budget.functions()).Parse("{{step}}")).Root.Nodes[0]
	for _, t := range parsed.Templates() {
		meter(t.Root, step)
		t.Root.Nodes = append([]parse.Node{step}, t.Root.Nodes...)
	}
	var config limitedBuffer
	if err := parsed.Execute(&config, data); err != nil {
		return nil, fmt.Errorf("the HAProxy configuration template cannot be rendered: %w", err)
	}
	return config.Bytes(), nil
}

// meter makes every pass of the loops in a list begin with a step. Nothing else in a template repeats, except for
// templates, and a running loop cannot be stopped from outside.
func meter(list *parse.ListNode, step parse.Node) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch node := node.(type) {
		case *parse.IfNode:
			meter(node.List, step)
			meter(node.ElseList, step)
		case *parse.WithNode:
			meter(node.List, step)
			meter(node.ElseList, step)
		case *parse.RangeNode:
			meter(node.List, step)
			meter(node.ElseList, step)
			node.List.Nodes = append([]parse.Node{step}, node.List.Nodes...)
		}
	}
}

// budget is what is left to the execution of a template.
type budget struct {
	steps    int
	deadline time.Time
}

func (b *budget) step() (string, error) {
	if b.steps++; b.steps > maxSteps {
		return "", fmt.Errorf("it takes more than %d steps", maxSteps)
	}
	return "", b.checkTime()
}

func (b *budget) checkTime() error {
	if time.Now().After(b.deadline) {
		return fmt.Errorf("it takes longer than %s", maxTime)
	}
	return nil
}

// functions are upstream's JoinHostPort, and in place of Go's own those that make strings within bounds.
func (b *budget) functions() template.FuncMap {
	bounded := func(format func(...any) string) func(...any) (string, error) {
		return func(args ...any) (string, error) {
			return b.text(func() string { return format(args...) }, args...)
		}
	}
	return template.FuncMap{
		"step": b.step,
		"JoinHostPort": func(host, port string) (string, error) {
			return b.text(func() string { return net.JoinHostPort(host, port) }, host, port)
		},
		"print":    bounded(fmt.Sprint),
		"println":  bounded(fmt.Sprintln),
		"html":     bounded(template.HTMLEscaper),
		"js":       bounded(template.JSEscaper),
		"urlquery": bounded(template.URLQueryEscaper),
		"printf": func(format string, args ...any) (string, error) {
			if !formats.MatchString(format) {
				return "", fmt.Errorf("printf %.100q: verbs may have flags, a width and a precision of two digits, and no index or \"*\"", format)
			}
			return b.text(func() string { return fmt.Sprintf(format, args...) }, append(args, format)...)
		},
	}
}

// text makes a text of arguments, which must not repeat them: their size is checked before.
func (b *budget) text(format func() string, args ...any) (string, error) {
	if err := errors.Join(b.checkTime(), checkSize(args...)); err != nil {
		return "", err
	}
	text := format()
	return text, checkSize(text)
}

// checkSize checks that texts are not too long together. What else there is in templates is short.
func checkSize(values ...any) error {
	size := 0
	for _, value := range values {
		if text := reflect.ValueOf(value); text.Kind() == reflect.String {
			size += text.Len()
		}
	}
	if size > maxConfig {
		return errTooLarge
	}
	return nil
}

// limitedBuffer takes as much as a configuration may have.
type limitedBuffer struct{ bytes.Buffer }

func (b *limitedBuffer) Write(content []byte) (int, error) {
	if b.Len()+len(content) > maxConfig {
		return 0, errTooLarge
	}
	return b.Buffer.Write(content)
}
