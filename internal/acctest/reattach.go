// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package acctest

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
)

// providerAddresses are those by which Terraform and OpenTofu know the provider.
var providerAddresses = []string{
	"registry.terraform.io/terraform-capi/" + providerName, "registry.opentofu.org/terraform-capi/" + providerName,
}

// reattach serves a provider until the end of the test, and returns how
// Terraform finds it: the value of TF_REATTACH_PROVIDERS.
func reattach(t *testing.T, newProvider func() provider.Provider) string {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	configs, stopped := make(chan *plugin.ReattachConfig), make(chan struct{})
	failed := make(chan error, 1)
	go func() {
		failed <- tf6server.Serve(providerAddresses[0], providerserver.NewProtocol6(newProvider()), tf6server.WithDebug(ctx, configs, stopped), tf6server.WithLoggingSink(t))
	}()
	t.Cleanup(func() {
		stop()
		<-stopped
	})
	select {
	case err := <-failed:
		t.Fatalf("cannot serve the provider: %v", err)
	case config := <-configs:
		address := map[string]string{"Network": config.Addr.Network(), "String": config.Addr.String()}
		providers := map[string]any{}
		for _, name := range providerAddresses {
			providers[name] = map[string]any{
				"Protocol": string(config.Protocol), "ProtocolVersion": config.ProtocolVersion,
				"Pid": config.Pid, "Test": config.Test, "Addr": address,
			}
		}
		value, err := json.Marshal(providers)
		if err != nil {
			t.Fatal(err)
		}
		return string(value)
	}
	return ""
}
