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

var ctx = context.Background()

// expectError checks that err names the field and says what is wrong, or that there is none if both are empty.
func expectError(t *testing.T, err error, field, message string) {
	t.Helper()
	g := NewWithT(t)
	if field == "" {
		g.Expect(err).NotTo(HaveOccurred())
		return
	}
	g.Expect(err).To(MatchError(And(ContainSubstring(field+": "), ContainSubstring(message))))
}

func TestClusterSpec(t *testing.T) {
	for name, test := range map[string]struct {
		spec           infrav1.DockerClusterSpec
		field, message string
	}{
		"empty":      {},
		"name":       {spec: infrav1.DockerClusterSpec{ControlPlaneEndpoint: infrav1.APIEndpoint{Host: "my-lb", Port: 443}}},
		"address":    {spec: infrav1.DockerClusterSpec{ControlPlaneEndpoint: infrav1.APIEndpoint{Host: "fd00::1"}}},
		"bad host":   {infrav1.DockerClusterSpec{ControlPlaneEndpoint: infrav1.APIEndpoint{Host: "my lb"}}, "spec.controlPlaneEndpoint.host", "container"},
		"bad port":   {infrav1.DockerClusterSpec{ControlPlaneEndpoint: infrav1.APIEndpoint{Port: 70000}}, "spec.controlPlaneEndpoint.port", "between 1 and 65535"},
		"bad tag":    {infrav1.DockerClusterSpec{LoadBalancer: infrav1.DockerLoadBalancer{ImageMeta: infrav1.ImageMeta{ImageTag: "a b"}}}, "spec.loadBalancer.imageTag", "image reference"},
		"bad path":   {infrav1.DockerClusterSpec{LoadBalancer: infrav1.DockerLoadBalancer{ImageMeta: infrav1.ImageMeta{ImageRepository: "a/B"}}}, "spec.loadBalancer.imageRepository", "image reference"},
		"no name":    {infrav1.DockerClusterSpec{LoadBalancer: infrav1.DockerLoadBalancer{CustomHAProxyConfigTemplateRef: &corev1.LocalObjectReference{}}}, "spec.loadBalancer.customHAProxyConfigTemplateRef.name", "ConfigMap"},
		"not sorted": {infrav1.DockerClusterSpec{FailureDomains: []clusterv1.FailureDomain{{Name: "b"}, {Name: "a"}}}, "spec.failureDomains", "sorted by name"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := (&DockerCluster{}).ValidateCreate(ctx, &infrav1.DockerCluster{Spec: test.spec})
			expectError(t, err, test.field, test.message)
			_, err = (&DockerCluster{}).ValidateUpdate(ctx, &infrav1.DockerCluster{}, &infrav1.DockerCluster{Spec: test.spec})
			expectError(t, err, test.field, test.message)

			template := &infrav1.DockerClusterTemplate{}
			template.Spec.Template.Spec = test.spec
			_, err = (&DockerClusterTemplate{}).ValidateCreate(ctx, template)
			if test.field != "" {
				test.field = "spec.template." + test.field
			}
			expectError(t, err, test.field, test.message)
		})
	}
}

func TestClusterDefaults(t *testing.T) {
	g := NewWithT(t)
	cluster := &infrav1.DockerCluster{Spec: infrav1.DockerClusterSpec{FailureDomains: []clusterv1.FailureDomain{{Name: "a"}}}}
	g.Expect((&DockerCluster{}).Default(ctx, cluster)).To(Succeed())
	g.Expect(cluster.Spec.ControlPlaneEndpoint.Port).To(BeEquivalentTo(6443))
	g.Expect(cluster.Spec.FailureDomains[0].ControlPlane).To(HaveValue(BeFalse()))

	template := &infrav1.DockerClusterTemplate{}
	template.Spec.Template.Spec.FailureDomains = []clusterv1.FailureDomain{{Name: "a"}}
	old := template.DeepCopy()
	g.Expect((&DockerClusterTemplate{}).Default(ctx, template)).To(Succeed())
	g.Expect(template.Spec.Template.Spec).To(Equal(cluster.Spec))
	_, err := (&DockerClusterTemplate{}).ValidateUpdate(ctx, old, template)
	g.Expect(err).NotTo(HaveOccurred(), "defaulting is no change")
}

func TestClusterEndpointIsImmutable(t *testing.T) {
	with := func(host string, port int32) *infrav1.DockerCluster {
		return &infrav1.DockerCluster{Spec: infrav1.DockerClusterSpec{ControlPlaneEndpoint: infrav1.APIEndpoint{Host: host, Port: port}}}
	}
	_, err := (&DockerCluster{}).ValidateUpdate(ctx, with("", 6443), with("lb", 6443))
	expectError(t, err, "", "")
	_, err = (&DockerCluster{}).ValidateUpdate(ctx, with("lb", 6443), with("other", 6443))
	expectError(t, err, "spec.controlPlaneEndpoint", "it is lb:6443")
	_, err = (&DockerCluster{}).ValidateUpdate(ctx, with("lb", 6443), with("lb", 443))
	expectError(t, err, "spec.controlPlaneEndpoint", "immutable")
}

func TestClusterTemplateIsImmutable(t *testing.T) {
	before, after := &infrav1.DockerClusterTemplate{}, &infrav1.DockerClusterTemplate{}
	after.Spec.Template.Spec.LoadBalancer.ImageTag = "1"
	_, err := (&DockerClusterTemplate{}).ValidateUpdate(ctx, before, after)
	expectError(t, err, "spec.template.spec", "create a new template")
}

func TestMachineSpec(t *testing.T) {
	mount := func(host, target string) infrav1.DockerMachineSpec {
		return infrav1.DockerMachineSpec{ExtraMounts: []infrav1.Mount{{HostPath: host, ContainerPath: target}}}
	}
	resources := func(cpus, memory string) infrav1.DockerMachineSpec {
		return infrav1.DockerMachineSpec{Resources: infrav1.DockerMachineResources{
			CPUs: ptr.To(resource.MustParse(cpus)), Memory: ptr.To(resource.MustParse(memory)),
		}}
	}
	for name, test := range map[string]struct {
		spec           infrav1.DockerMachineSpec
		field, message string
	}{
		"empty": {},
		"everything": {spec: infrav1.DockerMachineSpec{
			ProviderID: "docker:////a", CustomImage: "example.com:5000/a/b:1@sha256:0123456789012345678901234567890123456789012345678901234567890123",
			PreLoadImages: []string{"a"}, BootstrapTimeout: &metav1.Duration{Duration: time.Minute},
		}},
		"docker socket":    {spec: mount("/var/run/docker.sock", "/var/run/docker.sock")},
		"bounds":           {spec: resources("1500m", "2Gi")},
		"bad provider id":  {infrav1.DockerMachineSpec{ProviderID: "aws:///a"}, "spec.providerID", "docker:////CONTAINER"},
		"bad image":        {infrav1.DockerMachineSpec{CustomImage: "kindest/node:"}, "spec.customImage", "image reference"},
		"bad preload":      {infrav1.DockerMachineSpec{PreLoadImages: []string{"a", "B"}}, "spec.preLoadImages[1]", "image reference"},
		"relative host":    {mount("data", "/data"), "spec.extraMounts[0].hostPath", "absolute"},
		"no target":        {mount("/data", ""), "spec.extraMounts[0].containerPath", "absolute"},
		"colon":            {mount("/a:b", "/data"), "spec.extraMounts[0].hostPath", "colon"},
		"over the node":    {mount("/data", "/run/"), "spec.extraMounts[0].containerPath", "node itself"},
		"twice":            {infrav1.DockerMachineSpec{ExtraMounts: []infrav1.Mount{{HostPath: "/a", ContainerPath: "/c"}, {HostPath: "/b", ContainerPath: "/c"}}}, "spec.extraMounts[1].containerPath", "Duplicate"},
		"no time":          {infrav1.DockerMachineSpec{BootstrapTimeout: &metav1.Duration{}}, "spec.bootstrapTimeout", "longer than zero"},
		"no processor":     {resources("0", "2Gi"), "spec.resources.cpus", "more than zero"},
		"too small memory": {resources("1", "1Mi"), "spec.resources.memory", "at least 6Mi"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := (&DockerMachine{}).ValidateCreate(ctx, &infrav1.DockerMachine{Spec: test.spec})
			expectError(t, err, test.field, test.message)

			template := &infrav1.DockerMachineTemplate{}
			template.Spec.Template.Spec = test.spec
			_, err = (&DockerMachineTemplate{}).ValidateCreate(ctx, template)
			if test.field != "" {
				test.field = "spec.template." + test.field
			}
			expectError(t, err, test.field, test.message)
		})
	}
}

func TestMachineUpdate(t *testing.T) {
	for name, test := range map[string]struct {
		before, after  infrav1.DockerMachineSpec
		field, message string
	}{
		"provider id is set":     {after: infrav1.DockerMachineSpec{ProviderID: "docker:////a"}},
		"provider id changes":    {infrav1.DockerMachineSpec{ProviderID: "docker:////a"}, infrav1.DockerMachineSpec{ProviderID: "docker:////b"}, "spec.providerID", "once it is set"},
		"image changes":          {infrav1.DockerMachineSpec{CustomImage: "a"}, infrav1.DockerMachineSpec{CustomImage: "b"}, "spec.customImage", "replace the machine"},
		"mounts change":          {infrav1.DockerMachineSpec{}, infrav1.DockerMachineSpec{ExtraMounts: []infrav1.Mount{{HostPath: "/a", ContainerPath: "/a"}}}, "spec.extraMounts", "replace the machine"},
		"resources change":       {infrav1.DockerMachineSpec{}, infrav1.DockerMachineSpec{Resources: infrav1.DockerMachineResources{CPUs: ptr.To(resource.MustParse("1"))}}, "spec.resources", "replace the machine"},
		"resources written anew": {before: infrav1.DockerMachineSpec{Resources: infrav1.DockerMachineResources{CPUs: ptr.To(resource.MustParse("1"))}}, after: infrav1.DockerMachineSpec{Resources: infrav1.DockerMachineResources{CPUs: ptr.To(resource.MustParse("1000m"))}}},
		"timeout changes":        {after: infrav1.DockerMachineSpec{BootstrapTimeout: &metav1.Duration{Duration: time.Minute}}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := (&DockerMachine{}).ValidateUpdate(ctx, &infrav1.DockerMachine{Spec: test.before}, &infrav1.DockerMachine{Spec: test.after})
			expectError(t, err, test.field, test.message)
		})
	}
}

func TestMachineTemplateIsImmutableExceptInTheTopologysDryRuns(t *testing.T) {
	before, after := &infrav1.DockerMachineTemplate{}, &infrav1.DockerMachineTemplate{}
	after.Spec.Template.Spec.CustomImage = "example.com/node:1"
	request := func(dryRun bool) context.Context {
		return admission.NewContextWithRequest(ctx, admission.Request{AdmissionRequest: admissionv1.AdmissionRequest{DryRun: ptr.To(dryRun)}})
	}
	webhook := &DockerMachineTemplate{}
	_, err := webhook.ValidateUpdate(request(false), before, after)
	expectError(t, err, "spec.template.spec", "immutable")
	_, err = webhook.ValidateUpdate(request(true), before, after)
	expectError(t, err, "spec.template.spec", "immutable")

	after.Annotations = map[string]string{clusterv1.TopologyDryRunAnnotation: ""}
	_, err = webhook.ValidateUpdate(request(true), before, after)
	expectError(t, err, "", "")

	after.Spec.Template.Spec.CustomImage = ""
	after.Annotations = map[string]string{"other": "metadata"}
	_, err = webhook.ValidateUpdate(request(false), before, after)
	expectError(t, err, "", "")
}
