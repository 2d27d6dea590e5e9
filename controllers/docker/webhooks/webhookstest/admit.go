// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package webhookstest makes objects of the Docker provider's kinds by chance, and admits them as an API server does,
// without one: by the schemas of their kinds and by the webhooks.
package webhookstest

import (
	"context"
	"encoding/json"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	devv1 "sigs.k8s.io/cluster-api/test/infrastructure/docker/api/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config/configtest"
	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/webhooks"
)

// admitters are the kinds and their webhooks.
var admitters = map[string]admitter{
	"DockerCluster":          of(func() *infrav1.DockerCluster { return &infrav1.DockerCluster{} }, &webhooks.DockerCluster{}, &webhooks.DockerCluster{}),
	"DockerClusterTemplate":  of(func() *infrav1.DockerClusterTemplate { return &infrav1.DockerClusterTemplate{} }, &webhooks.DockerClusterTemplate{}, &webhooks.DockerClusterTemplate{}),
	"DockerMachine":          of(func() *infrav1.DockerMachine { return &infrav1.DockerMachine{} }, &webhooks.DockerMachine{}, nil),
	"DockerMachineTemplate":  of(func() *infrav1.DockerMachineTemplate { return &infrav1.DockerMachineTemplate{} }, &webhooks.DockerMachineTemplate{}, nil),
	"DevCluster":             of(func() *devv1.DevCluster { return &devv1.DevCluster{} }, &webhooks.DevCluster{}, &webhooks.DevCluster{}),
	"DevClusterTemplate":     of(func() *devv1.DevClusterTemplate { return &devv1.DevClusterTemplate{} }, &webhooks.DevClusterTemplate{}, &webhooks.DevClusterTemplate{}),
	"DevMachine":             of(func() *devv1.DevMachine { return &devv1.DevMachine{} }, &webhooks.DevMachine{}, nil),
	"DevMachineTemplate":     of(func() *devv1.DevMachineTemplate { return &devv1.DevMachineTemplate{} }, &webhooks.DevMachineTemplate{}, nil),
	"DevMachinePool":         of(func() *devv1.DevMachinePool { return &devv1.DevMachinePool{} }, &webhooks.DevMachinePool{}, nil),
	"DevMachinePoolTemplate": of(func() *devv1.DevMachinePoolTemplate { return &devv1.DevMachinePoolTemplate{} }, &webhooks.DevMachinePoolTemplate{}, nil),
}

// admitter is what a kind's webhooks do.
type admitter struct {
	decode    func(content map[string]any) (client.Object, error)
	normalise func(ctx context.Context, object client.Object) error
	create    func(ctx context.Context, object client.Object) error
	update    func(ctx context.Context, before, after client.Object) error
}

func of[T client.Object](empty func() T, validator admission.Validator[T], defaulter admission.Defaulter[T]) admitter {
	return admitter{
		decode: func(content map[string]any) (client.Object, error) {
			object := empty()
			encoded, err := json.Marshal(content)
			if err != nil {
				return nil, err
			}
			return object, json.Unmarshal(encoded, object)
		},
		normalise: func(ctx context.Context, object client.Object) error {
			if defaulter == nil {
				return nil
			}
			return defaulter.Default(ctx, object.(T)) //nolint:forcetypeassert // decode made it.
		},
		create: func(ctx context.Context, object client.Object) error {
			_, err := validator.ValidateCreate(ctx, object.(T)) //nolint:forcetypeassert // decode made it.
			return err
		},
		update: func(ctx context.Context, before, after client.Object) error {
			_, err := validator.ValidateUpdate(ctx, before.(T), after.(T)) //nolint:forcetypeassert // decode made them.
			return err
		},
	}
}

// Kinds are the kinds of the Docker provider.
func Kinds() []string {
	kinds := make([]string, 0, len(configtest.Docker()))
	for _, crd := range configtest.Docker() {
		kinds = append(kinds, crd.Spec.Names.Kind)
	}
	return kinds
}

// Create returns the object that comes of content, with defaults, or why it is refused.
func Create(ctx context.Context, kind string, content map[string]any) (client.Object, error) {
	known, ok := admitters[kind]
	if !ok {
		return nil, fmt.Errorf("kind %s has no webhooks here", kind)
	}
	object, err := known.decode(content)
	if err != nil {
		return nil, err
	}
	if err := known.normalise(ctx, object); err != nil {
		return nil, err
	}
	if err := checkSchema(kind, object); err != nil {
		return nil, err
	}
	return object, known.create(ctx, object)
}

// Update tells why an object of a kind may not become another one.
func Update(ctx context.Context, kind string, before, after client.Object) error {
	return admitters[kind].update(admission.NewContextWithRequest(ctx, admission.Request{}), before, after)
}

func checkSchema(kind string, object client.Object) error {
	encoded, err := json.Marshal(object)
	if err != nil {
		return err
	}
	content := map[string]any{}
	if err := json.Unmarshal(encoded, &content); err != nil {
		return err
	}
	delete(content, "status")
	return configtest.Validate(kind, content).ToAggregate()
}
