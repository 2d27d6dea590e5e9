// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package webhooks

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
)

const (
	badHost     = "must be an IP address or a DNS name: "
	badAddress  = "must be an IP address without a zone"
	badRegistry = "must be HOST[:PORT] as image references have it, such as \"docker.io\" or " +
		"\"registry.example.com:5000\", without scheme and path"
	badMirror = "must be HOST[:PORT][/PATH], without a scheme; a HOST other than \"localhost\" needs a dot if there is no PORT"
	badName   = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must " +
		"start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is " +
		"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
	badReference = "is not a valid image reference: invalid reference format"
)

func TestClusterSpec(t *testing.T) {
	for name, test := range map[string]struct{ spec, want string }{
		"empty": {spec: ""},
		"everything": {spec: `
controlPlaneEndpoint: {host: api.example.com, port: 443}
failureDomains: [{name: a, controlPlane: true, attributes: {a: b}}, {name: b}]
loadBalancer:
  imageRepository: registry.example.com:5000/kindest
  imageTag: "1"
  customHAProxyConfigTemplateRef: {name: haproxy}
  hostIP: 0.0.0.0
  hostPort: 65535
  imagePull:
    secretRef: {name: registry}
    mirrors:
    - {registry: docker.io, mirror: localhost/hub}
    - {registry: docker.io, mirror: "mirror.example.com:5000"}
    - {registry: "registry.example.com:5000", mirror: "cache:5000/a/b"}`},
		"addresses": {spec: "{controlPlaneEndpoint: {host: 'fd00::1'}, loadBalancer: {hostIP: '::'}}"},

		"host with a blank": {"controlPlaneEndpoint: {host: a b}", `spec.controlPlaneEndpoint.host: Invalid value: "a b": ` + badHost + badName},
		"host with a label that is too long": {
			"controlPlaneEndpoint: {host: a." + strings.Repeat("b", 64) + "}",
			`spec.controlPlaneEndpoint.host: Invalid value: "a.` + strings.Repeat("b", 64) + `": ` + badHost + "must be no more than 63 characters between dots",
		},
		"host with a zone": {"controlPlaneEndpoint: {host: \"fe80::1%a\\nb\"}", `spec.controlPlaneEndpoint.host: Invalid value: "fe80::1%a\nb": ` + badHost + badName},
		"failure domain of two lines": {
			"failureDomains: [{name: \"a\\nb\"}]", `spec.failureDomains[0].name: Invalid value: "a\nb": must not contain control characters`,
		},
		"port": {
			"controlPlaneEndpoint: {port: 65536}",
			"spec.controlPlaneEndpoint.port: Invalid value: 65536: spec.controlPlaneEndpoint.port in body should be less than or equal to 65535",
		},
		"failure domain without a name": {
			"failureDomains: [{name: ''}]",
			`spec.failureDomains[0].name: Invalid value: "": spec.failureDomains[0].name in body should be at least 1 chars long`,
		},
		"failure domain twice": {
			"failureDomains: [{name: a}, {name: a}]", `spec.failureDomains[1]: Duplicate value: {"name":"a"}`,
		},
		"failure domains in disorder": {
			"failureDomains: [{name: b}, {name: a}]", `spec.failureDomains: Invalid value: "b, a": failure domains must be sorted by name`,
		},
		"image repository": {
			"loadBalancer: {imageRepository: a/B}",
			`spec.loadBalancer.imageRepository: Invalid value: "a/B": is not a valid image reference: invalid reference format: repository name (a/B/haproxy) must be lowercase`,
		},
		"image tag": {"loadBalancer: {imageTag: a b}", `spec.loadBalancer.imageTag: Invalid value: "a b": ` + badReference},
		"template with no name": {
			"loadBalancer: {customHAProxyConfigTemplateRef: {}}",
			"spec.loadBalancer.customHAProxyConfigTemplateRef.name: Required value: must name a ConfigMap in the same namespace",
		},
		"template's name": {
			"loadBalancer: {customHAProxyConfigTemplateRef: {name: A}}",
			`spec.loadBalancer.customHAProxyConfigTemplateRef.name: Invalid value: "A": must be the name of a ConfigMap: ` + badName,
		},
		"host address": {"loadBalancer: {hostIP: localhost}", `spec.loadBalancer.hostIP: Invalid value: "localhost": ` + badAddress},
		"host address with a zone": {
			"loadBalancer: {hostIP: 'fe80::1%eth0'}", `spec.loadBalancer.hostIP: Invalid value: "fe80::1%eth0": ` + badAddress,
		},
		"host port": {
			"loadBalancer: {hostPort: 65536}",
			"spec.loadBalancer.hostPort: Invalid value: 65536: spec.loadBalancer.hostPort in body should be less than or equal to 65535",
		},
		"secret with no name": {
			"loadBalancer: {imagePull: {secretRef: {}}}",
			"spec.loadBalancer.imagePull.secretRef.name: Required value: must name a Secret in the same namespace",
		},
		"secret's name": {
			"loadBalancer: {imagePull: {secretRef: {name: a_b}}}",
			`spec.loadBalancer.imagePull.secretRef.name: Invalid value: "a_b": must be the name of a Secret: ` + badName,
		},
		"pulls as ever": {
			"loadBalancer: {imagePull: {}}",
			"spec.loadBalancer.imagePull: Invalid value: 0: spec.loadBalancer.imagePull in body should have at least 1 properties",
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			cluster, webhook := &infrav1.DockerCluster{}, &DockerCluster{}
			g.Expect(create(t, "DockerCluster", webhook, cluster, test.spec)).To(Equal(test.want))
			if cluster.Name != "" {
				_, err := webhook.ValidateUpdate(ctx, &infrav1.DockerCluster{}, cluster)
				g.Expect(problem(err)).To(Equal(test.want))
			}

			template := &infrav1.DockerClusterTemplate{}
			g.Expect(create(t, "DockerClusterTemplate", &DockerClusterTemplate{}, template, templateSpec(test.spec))).
				To(Equal(inTemplate(test.want)))
		})
	}
}

func TestClusterMirrors(t *testing.T) {
	const field = "spec.loadBalancer.imagePull.mirrors"
	for name, test := range map[string]struct{ mirrors, want string }{
		"registry with a scheme": {"{registry: 'https://docker.io', mirror: a.b}", `[0].registry: Invalid value: "https://docker.io": ` + badRegistry},
		"registry with a path":   {"{registry: docker.io/library, mirror: a.b}", `[0].registry: Invalid value: "docker.io/library": ` + badRegistry},
		"registry of no image":   {"{registry: index.docker.io, mirror: a.b}", `[0].registry: Invalid value: "index.docker.io": ` + badRegistry},
		"mirror with a scheme":   {"{registry: docker.io, mirror: 'http://a.b'}", `[0].mirror: Invalid value: "http://a.b": ` + badMirror},
		"mirror that is a path":  {"{registry: docker.io, mirror: cache/hub}", `[0].mirror: Invalid value: "cache/hub": ` + badMirror},
		"mirror with a slash":    {"{registry: docker.io, mirror: a.b/}", `[0].mirror: Invalid value: "a.b/": ` + badMirror},
		"mirror with upper case": {"{registry: docker.io, mirror: a.b/C}", `[0].mirror: Invalid value: "a.b/C": ` + badMirror},
		"no registry":            {"{mirror: a.b}", "[0].registry: Required value"},
		"no mirror":              {"{registry: docker.io}", "[0].mirror: Required value"},
		"the same mirror again":  {"{registry: a.b, mirror: c.d}, {registry: a.b, mirror: c.d}", `[1]: Duplicate value: {"registry":"a.b","mirror":"c.d"}`},
		"no mirrors, but a list": {"", ": Invalid value: 0: " + field + " in body should have at least 1 items"},
		"mirrors of registries":  {mirrors: "{registry: a.b, mirror: c.d}, {registry: b.c, mirror: c.d}, {registry: a.b, mirror: 'd:1'}"},
		"IPv6":                   {mirrors: "{registry: '[fd00::1]:5000', mirror: '[fd00::2]:5000/a'}"},
		"localhost":              {mirrors: "{registry: localhost, mirror: 'localhost:5000'}"},
	} {
		t.Run(name, func(t *testing.T) {
			want := test.want
			if want != "" {
				want = field + want
			}
			spec := "loadBalancer: {imagePull: {mirrors: [" + test.mirrors + "]}}"
			NewWithT(t).Expect(create(t, "DockerCluster", &DockerCluster{}, &infrav1.DockerCluster{}, spec)).To(Equal(want))
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

func TestClusterUpdate(t *testing.T) {
	endpoint := func(host string, port int32) infrav1.DockerCluster {
		return infrav1.DockerCluster{Spec: infrav1.DockerClusterSpec{ControlPlaneEndpoint: infrav1.APIEndpoint{Host: host, Port: port}}}
	}
	published := func(published, hostIP string, hostPort int32) infrav1.DockerCluster {
		cluster := infrav1.DockerCluster{Spec: infrav1.DockerClusterSpec{LoadBalancer: infrav1.DockerLoadBalancer{HostIP: hostIP, HostPort: hostPort}}}
		cluster.Annotations = map[string]string{infrav1.HostEndpointAnnotation: published}
		return cluster
	}
	for name, test := range map[string]struct {
		before, after infrav1.DockerCluster
		want          string
	}{
		"host is set": {before: endpoint("", 6443), after: endpoint("lb", 6443)},
		"host changes": {
			endpoint("lb", 6443), endpoint("other", 6443),
			`spec.controlPlaneEndpoint: Invalid value: "other:6443": is immutable once its host is set (it is lb:6443)`,
		},
		"port changes": {
			endpoint("lb", 6443), endpoint("lb", 443),
			`spec.controlPlaneEndpoint: Invalid value: "lb:443": is immutable once its host is set (it is lb:6443)`,
		},
		"host port is taken":     {before: published("", "", 30000), after: published("", "0.0.0.0", 30001)},
		"nothing changes":        {before: published("127.0.0.1:30000", "", 30000), after: published("127.0.0.1:30000", "", 30000)},
		"load balancer is there": {before: published("", "", 0), after: published("127.0.0.1:20000", "", 0)},
		"host port is set": {
			published("127.0.0.1:20000", "", 0), published("127.0.0.1:20000", "", 30000),
			"spec.loadBalancer.hostPort: Invalid value: 30000: is immutable once the load balancer runs (it is at 127.0.0.1:20000)",
		},
		"unrelated annotation": {
			published("", "", 0), published("127.0.0.1:99999", "", 0),
			`metadata.annotations[docker.infrastructure.cluster.x-k8s.io/host-endpoint]: Invalid value: "127.0.0.1:99999": must be IP:PORT as the controller writes it: remove the annotation`,
		},
		"host address changes, and the annotation is lost": {
			published("127.0.0.1:20000", "127.0.0.1", 0), published("", "0.0.0.0", 0),
			`spec.loadBalancer.hostIP: Invalid value: "0.0.0.0": is immutable once the load balancer runs (it is at 127.0.0.1:20000)`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := (&DockerCluster{}).ValidateUpdate(ctx, &test.before, &test.after)
			NewWithT(t).Expect(problem(err)).To(Equal(test.want))
		})
	}
}

func TestInvalidClusterCanBeDeleted(t *testing.T) {
	cluster := &infrav1.DockerCluster{Spec: infrav1.DockerClusterSpec{ControlPlaneEndpoint: infrav1.APIEndpoint{Host: "not valid"}}}
	cluster.DeletionTimestamp = ptr.To(metav1.Now())
	_, err := (&DockerCluster{}).ValidateUpdate(ctx, cluster, cluster)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
}

func TestClusterTemplate(t *testing.T) {
	g := NewWithT(t)
	webhook := &DockerClusterTemplate{}
	before := &infrav1.DockerClusterTemplate{}
	g.Expect(create(t, "DockerClusterTemplate", webhook, before, "template: {metadata: {labels: {'a b': c}, annotations: {'d e': f}}, spec: {}}")).
		To(And(ContainSubstring("spec.template.metadata.labels: Invalid value"), ContainSubstring("spec.template.metadata.annotations: Invalid value")))

	after := before.DeepCopy()
	g.Expect(webhook.Default(ctx, after)).To(Succeed())
	after.Spec.Template.ObjectMeta = clusterv1.ObjectMeta{Labels: map[string]string{"a": "b"}}
	_, err := webhook.ValidateUpdate(ctx, before, after)
	g.Expect(err).NotTo(HaveOccurred(), "metadata may change")

	after.Spec.Template.Spec.LoadBalancer.ImageTag = "1"
	_, err = webhook.ValidateUpdate(ctx, before, after)
	g.Expect(problem(err)).To(Equal("spec.template.spec: Forbidden: is immutable: create a new template and refer to that instead"))
}
