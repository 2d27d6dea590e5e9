// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package acctest is what tests need that run more than Go code: a Terraform
// binary, a Kubernetes API server, or Docker. What a machine does not have is
// skipped with the reason.
//
// The name of a test says what it needs: TestIntegration* a Terraform binary and
// an API server, TestAcc* Docker as well, and TF_ACC=1.
package acctest

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/management/kind"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
)

const providerName = "capi"

// Factories serve a provider to the Terraform binary, in the test's own process.
func Factories(newProvider func() provider.Provider) map[string]func() (tfprotov6.ProviderServer, error) {
	return map[string]func() (tfprotov6.ProviderServer, error){
		providerName: providerserver.NewProtocol6WithError(newProvider()),
	}
}

// Provider is a provider with nothing to configure, which hands sessions
// to the resources it has: for tests of one resource without the others.
type Provider struct {
	// Resolver is what the session of each configuration has.
	Resolver           *management.Resolver
	ResourceList       []func() resource.Resource
	DataSourceList     []func() datasource.DataSource
	FunctionList       []func() function.Function
	EphemeralResources []func() ephemeral.EphemeralResource
}

// Factories serve the provider to the Terraform binary.
func (p Provider) Factories() map[string]func() (tfprotov6.ProviderServer, error) {
	return Factories(func() provider.Provider { return testProvider{p} })
}

// Server serves the provider to whoever speaks its protocol.
func (p Provider) Server() tfprotov6.ProviderServer {
	return providerserver.NewProtocol6(testProvider{p})()
}

type testProvider struct{ Provider }

var (
	_ provider.ProviderWithEphemeralResources = testProvider{}
	_ provider.ProviderWithFunctions          = testProvider{}
)

func (p testProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = providerName
}

func (p testProvider) Schema(context.Context, provider.SchemaRequest, *provider.SchemaResponse) {}

func (p testProvider) Configure(_ context.Context, _ provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	s := session.New(p.Resolver)
	resp.ResourceData, resp.DataSourceData, resp.EphemeralResourceData = s, s, s
}

func (p testProvider) Resources(context.Context) []func() resource.Resource { return p.ResourceList }

func (p testProvider) DataSources(context.Context) []func() datasource.DataSource {
	return p.DataSourceList
}

func (p testProvider) Functions(context.Context) []func() function.Function { return p.FunctionList }

func (p testProvider) EphemeralResources(context.Context) []func() ephemeral.EphemeralResource {
	return p.Provider.EphemeralResources
}

// NeedDocker skips the test unless TF_ACC is set, and fails it if then Docker does not
// answer: whoever asks for acceptance tests wants to know.
func NeedDocker(t *testing.T) {
	t.Helper()
	if os.Getenv("TF_ACC") == "" {
		t.Skip("acceptance tests make containers; set TF_ACC=1 to run them")
	}
	if out, err := docker(t, "version", "--format", "{{.Server.Version}}"); err != nil {
		t.Fatalf("Docker does not answer: %v: %s", err, out)
	}
}

// NeedImage skips the test if the Docker engine does not have an image. Tests do
// not pull.
func NeedImage(t *testing.T, image string) {
	t.Helper()
	if _, err := docker(t, "image", "inspect", image); err != nil {
		t.Skipf("the Docker engine does not have %s", image)
	}
}

// NoLeaks fails the test if, at its end, containers of the KinD or workload cluster
// called name exist, or volumes that no container uses and that were not there before.
// Other tests may make and delete theirs meanwhile.
func NoLeaks(t *testing.T, name string) {
	t.Helper()
	before := leftovers(t, name)
	t.Cleanup(func() {
		for what := range leftovers(t, name) {
			if !before[what] {
				t.Errorf("the test left %s behind", what)
			}
		}
	})
}

func leftovers(t *testing.T, name string) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for what, args := range map[string][]string{
		"container of KinD": {"ps", "--all", "--filter", "label=" + kind.Label + "=" + name, "--format", "{{.Names}}"},
		"container":         {"ps", "--all", "--filter", "label=" + identity.ClusterLabel + "=" + name, "--format", "{{.Names}}"},
		"claim":             {"ps", "--all", "--filter", "label=terraform-capi.io/claim=" + name, "--format", "{{.Names}}"},
		"volume":            {"volume", "ls", "--filter", "dangling=true", "--quiet"},
	} {
		for _, name := range strings.Fields(Docker(t, args...)) {
			found[what+" "+name] = true
		}
	}
	return found
}

func docker(t *testing.T, args ...string) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(context.WithoutCancel(t.Context()), "docker", args...).CombinedOutput()
	return string(out), err
}

// Docker runs a docker command. The test fails if the command does.
func Docker(t *testing.T, args ...string) string {
	t.Helper()
	out, err := docker(t, args...)
	if err != nil {
		t.Fatalf("docker %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return out
}
