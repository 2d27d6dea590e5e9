// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package webhooks

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
)

const (
	badProviderID = `spec.providerID in body should match '^docker:////[a-zA-Z0-9][a-zA-Z0-9_.-]*$'`
	badMount      = "must not be where the node has its own files: use a path below it"
	badPort       = "in body should be less than or equal to 65535"
	badLabel      = "keys must not be empty and have no '=', white space or control characters"
)

func TestMachineSpec(t *testing.T) {
	for name, test := range map[string]struct{ spec, want string }{
		"empty": {spec: ""},
		"everything": {spec: `
providerID: docker:////a
customImage: example.com:5000/a/b:1@sha256:0123456789012345678901234567890123456789012345678901234567890123
preLoadImages: [a]
extraMounts: [{hostPath: /var/run/docker.sock, containerPath: /var/run/docker.sock, readOnly: true}]
extraPortMappings: [{containerPort: 6443, hostPort: 6443, listenAddress: "::1", protocol: TCP}, {containerPort: 6443}]
labels: {"traefik.http.routers.a.tls.domains[0].main": "", example.com/a: b = c}
imagePull: {secretRef: {name: a}, mirrors: [{registry: docker.io, mirror: a.b}]}
bootstrapTimeout: 1m
resources: {cpus: 1500m, memory: 2Gi}`},

		"no provider id of ours": {"providerID: aws:///a", `spec.providerID: Invalid value: "aws:///a": ` + badProviderID},
		"no container":           {"providerID: docker:////", `spec.providerID: Invalid value: "docker:////": ` + badProviderID},
		"image":                  {"customImage: 'kindest/node:'", `spec.customImage: Invalid value: "kindest/node:": ` + badReference},
		"image to load":          {"preLoadImages: [a, b c]", `spec.preLoadImages[1]: Invalid value: "b c": ` + badReference},

		"relative host path": {"extraMounts: [{hostPath: a, containerPath: /a}]", `spec.extraMounts[0].hostPath: Invalid value: "a": must be an absolute path`},
		"no container path":  {"extraMounts: [{hostPath: /a}]", "spec.extraMounts[0].containerPath: Required value: must be an absolute path"},
		"path with a colon":  {"extraMounts: [{hostPath: '/a:b', containerPath: /a}]", `spec.extraMounts[0].hostPath: Invalid value: "/a:b": must not contain a colon`},
		"path with lines":    {"extraMounts: [{hostPath: \"/a\\nb\", containerPath: /a}]", `spec.extraMounts[0].hostPath: Invalid value: "/a\nb": must not contain control characters`},
		"over the controller's files": {
			"extraMounts: [{hostPath: /a, containerPath: /usr/local/lib/terraform-capi/images}]",
			`spec.extraMounts[0].containerPath: Invalid value: "/usr/local/lib/terraform-capi/images": ` + badMount,
		},
		"over the node's mounts": {"extraMounts: [{hostPath: /a, containerPath: /run/}]", `spec.extraMounts[0].containerPath: Invalid value: "/run/": ` + badMount},
		"over the node's files":  {"extraMounts: [{hostPath: /a, containerPath: /x/../etc}]", `spec.extraMounts[0].containerPath: Invalid value: "/x/../etc": ` + badMount},
		"two mounts at a path": {
			"extraMounts: [{hostPath: /a, containerPath: /c}, {hostPath: /b, containerPath: /c/}]",
			`spec.extraMounts[1].containerPath: Duplicate value: "/c/"`,
		},

		"no container port": {"extraPortMappings: [{hostPort: 80}]", "spec.extraPortMappings[0].containerPort: Required value"},
		"container port 0": {
			"extraPortMappings: [{containerPort: 0}]",
			"spec.extraPortMappings[0].containerPort: Invalid value: 0: spec.extraPortMappings[0].containerPort in body should be greater than or equal to 1",
		},
		"container port": {
			"extraPortMappings: [{containerPort: 65536}]",
			"spec.extraPortMappings[0].containerPort: Invalid value: 65536: spec.extraPortMappings[0].containerPort " + badPort,
		},
		"host port": {
			"extraPortMappings: [{containerPort: 1, hostPort: 65536}]",
			"spec.extraPortMappings[0].hostPort: Invalid value: 65536: spec.extraPortMappings[0].hostPort " + badPort,
		},
		"protocol": {
			"extraPortMappings: [{containerPort: 1, protocol: tcp}]",
			`spec.extraPortMappings[0].protocol: Unsupported value: "tcp": supported values: "TCP", "UDP", "SCTP"`,
		},
		"listen address": {
			"extraPortMappings: [{containerPort: 1, listenAddress: localhost}]",
			`spec.extraPortMappings[0].listenAddress: Invalid value: "localhost": ` + badAddress,
		},
		"the same host port": {
			"extraPortMappings: [{containerPort: 1}, {containerPort: 2, hostPort: 80}, {containerPort: 3, hostPort: 80, listenAddress: 127.0.0.1, protocol: TCP}]",
			"spec.extraPortMappings[2].hostPort: Invalid value: 80: is taken by spec.extraPortMappings[1] at the same address: choose another, or none",
		},
		"the same host port at all addresses": {
			"extraPortMappings: [{containerPort: 1, hostPort: 80}, {containerPort: 1, hostPort: 80, listenAddress: 0.0.0.0}]",
			"spec.extraPortMappings[1].hostPort: Invalid value: 80: is taken by spec.extraPortMappings[0] at the same address: choose another, or none",
		},
		"host ports that differ": {spec: `
extraPortMappings:
- {containerPort: 1, hostPort: 80}
- {containerPort: 1, hostPort: 80, protocol: UDP}
- {containerPort: 1, hostPort: 80, listenAddress: 127.0.0.2}
- {containerPort: 1, hostPort: 80, listenAddress: "::"}
- {containerPort: 1, hostPort: 81}`},

		"label without a key":  {"labels: {'': a}", `spec.labels: Invalid value: "": ` + badLabel},
		"label with a sign":    {"labels: {a=b: c}", `spec.labels: Invalid value: "a=b": ` + badLabel},
		"label with a blank":   {"labels: {a b: c}", `spec.labels: Invalid value: "a b": ` + badLabel},
		"label of ours":        {"labels: {terraform-capi.io/cluster: a}", `spec.labels[terraform-capi.io/cluster]: Forbidden: labels that start with "terraform-capi.io/" are the controller's`},
		"label of kind":        {"labels: {io.x-k8s.kind.role: a}", `spec.labels[io.x-k8s.kind.role]: Forbidden: labels that start with "io.x-k8s.kind." are the controller's`},
		"label of Cluster API": {"labels: {io.x-k8s.cluster.failureDomain: a}", `spec.labels[io.x-k8s.cluster.failureDomain]: Forbidden: labels that start with "io.x-k8s.cluster." are the controller's`},

		"secret":    {"imagePull: {secretRef: {name: A}}", `spec.imagePull.secretRef.name: Invalid value: "A": must be the name of a Secret: ` + badName},
		"no mirror": {"imagePull: {mirrors: [{registry: a, mirror: b.c}]}", `spec.imagePull.mirrors[0].registry: Invalid value: "a": ` + badRegistry},

		"no time":             {"bootstrapTimeout: 0s", `spec.bootstrapTimeout: Invalid value: "0s": must be longer than zero`},
		"no processor":        {"resources: {cpus: 9m}", `spec.resources.cpus: Invalid value: "9m": must be between 10m and 8192`},
		"too many processors": {"resources: {cpus: 10Gi}", `spec.resources.cpus: Invalid value: "10Gi": must be between 10m and 8192`},
		"no memory":           {"resources: {memory: 5Mi}", `spec.resources.memory: Invalid value: "5Mi": must be at least 6Mi`},
		"no bound": {
			"resources: {}", "spec.resources: Invalid value: 0: spec.resources in body should have at least 1 properties",
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			machine, webhook := &infrav1.DockerMachine{}, &DockerMachine{}
			g.Expect(create(t, "DockerMachine", webhook, machine, test.spec)).To(Equal(test.want))
			if machine.Name != "" {
				_, err := webhook.ValidateUpdate(ctx, machine, machine)
				g.Expect(problem(err)).To(Equal(test.want))
			}

			template := &infrav1.DockerMachineTemplate{}
			g.Expect(create(t, "DockerMachineTemplate", &DockerMachineTemplate{}, template, templateSpec(test.spec))).
				To(Equal(inTemplate(test.want)))
		})
	}
}

func TestMachineUpdate(t *testing.T) {
	type spec = infrav1.DockerMachineSpec
	replace := func(name string) string {
		return "spec." + name + ": Forbidden: cannot be changed: replace the machine"
	}
	cpus := func(value string) spec {
		return spec{Resources: infrav1.DockerMachineResources{CPUs: ptr.To(resource.MustParse(value))}}
	}
	for name, test := range map[string]struct {
		before, after spec
		want          string
	}{
		"provider id is set":     {after: spec{ProviderID: "docker:////a"}},
		"provider id changes":    {spec{ProviderID: "docker:////a"}, spec{ProviderID: "docker:////b"}, "spec.providerID: Forbidden: cannot be changed once it is set"},
		"image changes":          {spec{CustomImage: "a"}, spec{CustomImage: "b"}, replace("customImage")},
		"mounts change":          {spec{}, spec{ExtraMounts: []infrav1.Mount{{HostPath: "/a", ContainerPath: "/a"}}}, replace("extraMounts")},
		"ports change":           {spec{}, spec{ExtraPortMappings: []infrav1.PortMapping{{ContainerPort: 1}}}, replace("extraPortMappings")},
		"labels change":          {spec{Labels: map[string]string{"a": "b"}}, spec{}, replace("labels")},
		"resources change":       {cpus("1"), cpus("2"), replace("resources")},
		"resources are set":      {spec{}, cpus("1"), replace("resources")},
		"resources written anew": {before: cpus("1"), after: cpus("1000m")},
		"empty lists":            {before: spec{ExtraMounts: []infrav1.Mount{}}, after: spec{Labels: map[string]string{}}},
		"timeout changes":        {after: spec{BootstrapTimeout: &metav1.Duration{Duration: time.Minute}}},
		"pulls change":           {after: spec{ImagePull: infrav1.ImagePull{SecretRef: &corev1.LocalObjectReference{Name: "a"}}, PreLoadImages: []string{"a"}}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := (&DockerMachine{}).ValidateUpdate(ctx, &infrav1.DockerMachine{Spec: test.before}, &infrav1.DockerMachine{Spec: test.after})
			NewWithT(t).Expect(problem(err)).To(Equal(test.want))
		})
	}
}

func TestMachineTemplateIsImmutableExceptInTheTopologysDryRuns(t *testing.T) {
	const immutable = "spec.template.spec: Forbidden: is immutable: create a new template and refer to that instead"
	before, after := &infrav1.DockerMachineTemplate{}, &infrav1.DockerMachineTemplate{}
	after.Spec.Template.Spec.CustomImage = "example.com/node:1"
	request := func(dryRun bool) context.Context {
		return admission.NewContextWithRequest(ctx, admission.Request{AdmissionRequest: admissionv1.AdmissionRequest{DryRun: ptr.To(dryRun)}})
	}
	g := NewWithT(t)
	webhook := &DockerMachineTemplate{}
	_, err := webhook.ValidateUpdate(request(false), before, after)
	g.Expect(problem(err)).To(Equal(immutable))
	_, err = webhook.ValidateUpdate(request(true), before, after)
	g.Expect(problem(err)).To(Equal(immutable))

	after.Annotations = map[string]string{clusterv1.TopologyDryRunAnnotation: ""}
	_, err = webhook.ValidateUpdate(request(true), before, after)
	g.Expect(err).NotTo(HaveOccurred())

	after.Spec.Template.Spec.CustomImage = "not valid"
	_, err = webhook.ValidateUpdate(request(true), before, after)
	g.Expect(problem(err)).To(Equal(`spec.template.spec.customImage: Invalid value: "not valid": ` + badReference))

	after.Spec.Template.Spec.CustomImage = ""
	after.Annotations = map[string]string{"other": "metadata"}
	_, err = webhook.ValidateUpdate(request(false), before, after)
	g.Expect(err).NotTo(HaveOccurred())
}

func TestMachineTemplateMetadata(t *testing.T) {
	NewWithT(t).Expect(create(t, "DockerMachineTemplate", &DockerMachineTemplate{}, &infrav1.DockerMachineTemplate{},
		"template: {metadata: {labels: {'a b': c}, annotations: {'d e': f}}, spec: {}}")).
		To(And(ContainSubstring("spec.template.metadata.labels: Invalid value"), ContainSubstring("spec.template.metadata.annotations: Invalid value")))
}
