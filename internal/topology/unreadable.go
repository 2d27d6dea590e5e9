// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// unreadableObjects returns the values in objects of kubeadm's kinds that their
// types cannot read.
func (r *Rendering) unreadableObjects() []Problem {
	scheme, err := hubScheme()
	if err != nil {
		return Problems(err)
	}
	var problems []Problem
	add := func(obj *unstructured.Unstructured, fieldOfCluster, class string) {
		if t, known := scheme.AllKnownTypes()[obj.GroupVersionKind()]; known {
			for _, problem := range unreadable("", t, obj.Object) {
				problems = append(problems, invalidIn(fieldOfCluster, class, obj.GetKind(), problem))
			}
		}
	}
	add(r.state.ControlPlane.Object, "spec.topology.controlPlane", theClass)
	for i, topology := range r.Cluster.Spec.Topology.Workers.MachineDeployments {
		add(r.state.MachineDeployments[topology.Name].BootstrapTemplate,
			fmt.Sprintf("spec.topology.workers.machineDeployments[%d]", i), workerClass(topology.Class))
	}
	return problems
}

// unreadable returns the values that the type of an object reads from text in a way
// of its own, as durations and quantities, and cannot read. To the schema they are
// strings, and an API server that fails to decode one does not say where it is.
func unreadable(path string, t reflect.Type, value any) []Problem {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if value == nil {
		return nil
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return unreadableText(path, t, value)
	}
	var problems []Problem
	switch t.Kind() {
	case reflect.Struct:
		for field := range t.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name == "" && field.Anonymous {
				problems = append(problems, unreadable(path, field.Type, value)...)
			} else if child, found := asMap(value)[name]; found {
				problems = append(problems, unreadable(strings.TrimPrefix(join(path, name), "."), field.Type, child)...)
			}
		}
	case reflect.Map:
		for _, key := range slices.Sorted(maps.Keys(asMap(value))) {
			problems = append(problems, unreadable(join(path, key), t.Elem(), asMap(value)[key])...)
		}
	case reflect.Slice:
		list, _ := value.([]any)
		for i := range list {
			problems = append(problems, unreadable(fmt.Sprintf("%s[%d]", path, i), t.Elem(), list[i])...)
		}
	}
	return problems
}

func unreadableText(path string, t reflect.Type, value any) []Problem {
	text, err := json.Marshal(value)
	if err == nil {
		err = json.Unmarshal(text, reflect.New(t).Interface())
	}
	switch {
	case err == nil:
		return nil
	case t == reflect.TypeFor[metav1.Duration]():
		return []Problem{{Field: path, Message: fmt.Sprintf("%s is not a duration such as \"90s\" or \"1h30m\": %s", text, err)}}
	}
	return []Problem{{Field: path, Message: fmt.Sprintf("%s: %s", text, err)}}
}
