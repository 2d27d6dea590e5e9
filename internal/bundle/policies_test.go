// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	devv1 "sigs.k8s.io/cluster-api/test/infrastructure/docker/api/v1beta2"

	"github.com/terraform-capi/terraform-provider-capi/controllers/config"
	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

// field says what a policy does with a field, by values in JSON. A field that reaches nothing of the host but its own
// container has none.
type field struct{ allowed, forbidden []string }

// harmless fields name things, wait, or bound what a container may use.
var harmless = field{}

// machineFields are the fields of machines, clusterFields those of clusters, each with everything below it. Those of the
// Dev* kinds are below backend.docker.
var (
	machineFields = map[string]field{
		"providerID": harmless, "providerIDList": harmless, "bootstrapTimeout": harmless, "resources": harmless,
		"backend.inMemory":    harmless, // refused by the webhooks
		"imagePull.secretRef": harmless,
		"customImage": {
			allowed:   []string{`""`, `"kindest/node:v1.35.0"`, `"docker.io/kindest/node:v1.35.0@sha256:0123"`, `"kindest/node@sha256:0123"`},
			forbidden: []string{`"evil/node:v1.35.0"`, `"kindest/node.evil:1"`, `"example.com/kindest/node:v1.35.0"`, `"kindest/node:v1\n/x"`, `"dockerXio/kindest/node:1"`},
		},
		"preLoadImages": {allowed: []string{`[]`}, forbidden: []string{`["example.com/a:1"]`, `[""]`}},
		"extraMounts":   {allowed: []string{`[]`}, forbidden: []string{`[{"hostPath": "/srv", "containerPath": "/srv", "readOnly": true}]`}},
		"extraPortMappings": {
			allowed: []string{
				`[]`, `[{"containerPort": 80}]`, `[{"containerPort": 80, "hostPort": 0, "listenAddress": "127.0.0.1"}]`,
				`[{"containerPort": 80, "listenAddress": "::1"}, {"containerPort": 81, "listenAddress": "127.1.2.3", "protocol": "UDP"}]`,
			},
			forbidden: []string{
				`[{"containerPort": 80, "hostPort": 8080}]`, `[{"containerPort": 80}, {"containerPort": 80, "listenAddress": "0.0.0.0"}]`,
				`[{"containerPort": 80, "listenAddress": "::"}]`, `[{"containerPort": 80, "listenAddress": "127.0.0.1.example.com"}]`,
				`[{"containerPort": 80, "listenAddress": "1127.0.0.1"}]`, `[{"containerPort": 80, "hostPort": 65535, "listenAddress": "127.0.0.1"}]`,
			},
		},
		"labels":            {allowed: []string{`{}`}, forbidden: []string{`{"example.com/team": "a"}`}},
		"imagePull.mirrors": {forbidden: []string{`[{"registry": "docker.io", "mirror": "mirror.example.com"}]`}},
	}
	clusterFields = map[string]field{
		"controlPlaneEndpoint": harmless, "failureDomains": harmless,
		"backend.inMemory":                            harmless, // refused by the webhooks
		"loadBalancer.imageTag":                       harmless,
		"loadBalancer.imagePull.secretRef":            harmless,
		"loadBalancer.imageRepository":                {allowed: []string{`""`, `"kindest"`, `"docker.io/kindest"`}, forbidden: []string{`"evil"`, `"example.com/kindest"`}},
		"loadBalancer.hostPort":                       {forbidden: []string{`1`, `6443`}},
		"loadBalancer.hostIP":                         {allowed: []string{`""`, `"127.0.0.1"`, `"::1"`}, forbidden: []string{`"0.0.0.0"`, `"::"`, `"192.0.2.1"`}},
		"loadBalancer.imagePull.mirrors":              {forbidden: []string{`[{"registry": "docker.io", "mirror": "mirror.example.com"}]`}},
		"loadBalancer.customHAProxyConfigTemplateRef": {forbidden: []string{`{"name": "haproxy"}`}},
	}
)

// restrictedKinds are the kinds that policies are about.
var restrictedKinds = map[string]struct {
	spec     any
	template bool
	fields   map[string]field
}{
	"DockerMachine":          {infrav1.DockerMachineSpec{}, false, machineFields},
	"DockerMachineTemplate":  {infrav1.DockerMachineSpec{}, true, machineFields},
	"DevMachine":             {devv1.DevMachineSpec{}, false, machineFields},
	"DevMachineTemplate":     {devv1.DevMachineSpec{}, true, machineFields},
	"DevMachinePool":         {devv1.DevMachinePoolSpec{}, false, machineFields},
	"DevMachinePoolTemplate": {devv1.DevMachinePoolSpec{}, true, machineFields},
	"DockerCluster":          {infrav1.DockerClusterSpec{}, false, clusterFields},
	"DockerClusterTemplate":  {infrav1.DockerClusterSpec{}, true, clusterFields},
	"DevCluster":             {devv1.DevClusterSpec{}, false, clusterFields},
	"DevClusterTemplate":     {devv1.DevClusterSpec{}, true, clusterFields},
}

// paths are the fields of a type that have an entry, and the places of those that have none.
func paths(fields map[string]field, of reflect.Type, path string) (known, unknown []string) {
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	if _, ok := fields[strings.TrimPrefix(path, "backend.docker.")]; ok {
		return []string{path}, nil
	}
	if of.Kind() != reflect.Struct || of.NumField() == 0 {
		return nil, []string{path}
	}
	for n := range of.NumField() {
		member := of.Field(n)
		name, options, _ := strings.Cut(member.Tag.Get("json"), ",")
		at := strings.TrimPrefix(path+"."+name, ".")
		if strings.Contains(options, "inline") {
			at = path
		}
		k, u := paths(fields, member.Type, at)
		known, unknown = append(known, k...), append(unknown, u...)
	}
	return known, unknown
}

// A new field has to be looked at: it is harmless, or a policy has to forbid it.
func TestPoliciesKnowEveryField(t *testing.T) {
	g := NewWithT(t)
	provider, err := config.Find(dockerProvider)
	g.Expect(err).NotTo(HaveOccurred())
	crds, err := provider.CRDs()
	g.Expect(err).NotTo(HaveOccurred())
	for _, crd := range crds {
		kind, ok := restrictedKinds[crd.Spec.Names.Kind]
		g.Expect(ok).To(BeTrue(), "no policy is about %s", crd.Spec.Names.Kind)
		known, unknown := paths(kind.fields, reflect.TypeOf(kind.spec), "")
		g.Expect(unknown).To(BeEmpty(), "fields of %s that nobody has classified", crd.Spec.Names.Kind)
		g.Expect(known).NotTo(BeEmpty())
	}
}

func TestPoliciesAreInstalled(t *testing.T) {
	g := NewWithT(t)
	for _, provider := range config.Providers {
		policies, bindings, err := provider.Policies()
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(policies).To(HaveLen(len(bindings)))
		g.Expect(len(policies) > 0).To(Equal(provider.Name == dockerProvider))
		for n, policy := range policies {
			g.Expect(policy.Name).To(HavePrefix(provider.ObjectName("")), "clusterctl finds it by that")
			g.Expect(bindings[n].Spec.PolicyName).To(Equal(policy.Name))
			g.Expect(bindings[n].Spec.MatchResources.NamespaceSelector.MatchLabels).To(HaveKeyWithValue("terraform-capi.io/policy", "restricted"))
			g.Expect(objects(t, provider)).To(ContainElements(HaveField("ObjectMeta.Name", policy.Name), HaveField("ObjectMeta.Name", bindings[n].Name)))
		}
	}
}

// policed is an API server that has the policies.
func policed(t *testing.T) *management.Cluster {
	t.Helper()
	g := NewWithT(t)
	cluster := acctest.NeedAPIServer(t).Cluster
	provider, err := config.Find(dockerProvider)
	g.Expect(err).NotTo(HaveOccurred())
	policies, err := installation{Provider: provider}.policies()
	g.Expect(err).NotTo(HaveOccurred())
	for _, policy := range policies {
		g.Expect(apply(t.Context(), cluster, policy)).To(Succeed())
	}
	t.Cleanup(func() {
		for _, policy := range policies {
			g.Expect(deleteOwn(context.WithoutCancel(t.Context()), cluster, policy)).To(Succeed())
		}
	})
	for name, restricted := range map[string]bool{"restricted": true, "free": false} {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		if restricted {
			namespace.Labels = map[string]string{"terraform-capi.io/policy": "restricted"}
		}
		g.Expect(client.IgnoreAlreadyExists(cluster.Create(t.Context(), namespace))).To(Succeed())
	}
	for kind, path := range map[string]string{"DockerMachine": "extraMounts", "DockerCluster": "loadBalancer.hostPort"} {
		object := objectWith(t, kind, "restricted", path, restrictedKinds[kind].fields[path].forbidden[0])
		g.Eventually(func() error { return cluster.Create(t.Context(), object.DeepCopy(), client.DryRunAll) }).WithTimeout(time.Minute).
			Should(MatchError(ContainSubstring("denied request")), "policies take effect within moments")
	}
	return cluster
}

// objectWith is an object whose only field is at a path of its spec.
func objectWith(t *testing.T, kind, namespace, path, value string) *unstructured.Unstructured {
	t.Helper()
	g := NewWithT(t)
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(infrav1.GroupVersion.WithKind(kind))
	object.SetNamespace(namespace)
	object.SetName("a")
	spec := []string{"spec"}
	if restrictedKinds[kind].template {
		spec = []string{"spec", "template", "spec"}
	}
	g.Expect(unstructured.SetNestedMap(object.Object, map[string]any{}, spec...)).To(Succeed())
	if strings.HasPrefix(kind, "Dev") {
		g.Expect(unstructured.SetNestedMap(object.Object, map[string]any{}, append(spec, "backend")...)).To(Succeed())
	}
	if path != "" {
		var content any
		g.Expect(json.Unmarshal([]byte(value), &content)).To(Succeed())
		g.Expect(unstructured.SetNestedField(object.Object, content, append(spec, strings.Split(path, ".")...)...)).To(Succeed())
	}
	return object
}

// Each rule, for each kind that has the field, against a real API server.
func TestIntegrationPolicies(t *testing.T) {
	cluster := policed(t)
	try := func(object *unstructured.Unstructured) error {
		return cluster.Create(t.Context(), object, client.DryRunAll)
	}
	for kind, restricted := range restrictedKinds {
		t.Run(kind, func(t *testing.T) {
			g := NewWithT(t)
			g.Expect(try(objectWith(t, kind, "restricted", "", ""))).To(Succeed(), "nothing is asked for")
			known, _ := paths(restricted.fields, reflect.TypeOf(restricted.spec), "")
			for _, path := range known {
				name := strings.TrimPrefix(path, "backend.docker.")
				rule := restricted.fields[name]
				for _, value := range rule.allowed {
					g.Expect(try(objectWith(t, kind, "restricted", path, value))).To(Succeed(), "%s = %s", path, value)
				}
				for _, value := range rule.forbidden {
					g.Expect(try(objectWith(t, kind, "restricted", path, value))).To(MatchError(And(
						ContainSubstring("denied request: "+name+": "), ContainSubstring("remove "))), "%s = %s", path, value)
					g.Expect(try(objectWith(t, kind, "free", path, value))).To(Succeed(), "%s = %s", path, value)
				}
			}
		})
	}
	t.Run("host endpoint", func(t *testing.T) {
		g := NewWithT(t)
		for endpoint, allowed := range map[string]bool{
			"127.0.0.1:20000": true, "[::1]:29999": true, "": true, "127.0.0.1:6443": false, "0.0.0.0:20000": false, "127.0.0.1:200000": false, ":20000": false,
		} {
			object := objectWith(t, "DockerCluster", "restricted", "", "")
			object.SetAnnotations(map[string]string{infrav1.HostEndpointAnnotation: endpoint})
			if allowed {
				g.Expect(try(object)).To(Succeed(), endpoint)
			} else {
				g.Expect(try(object)).To(MatchError(ContainSubstring("remove the annotation")), endpoint)
			}
		}
	})
}

// A namespace may get the label when there are objects: what they have may stay, and they can be updated and go.
func TestIntegrationPoliciesLetBe(t *testing.T) {
	g := NewWithT(t)
	cluster := policed(t)
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "later"}}
	g.Expect(cluster.Create(t.Context(), namespace)).To(Succeed())
	machine := objectWith(t, "DockerMachine", "later", "extraMounts", machineFields["extraMounts"].forbidden[0])
	machine.SetFinalizers([]string{"example.com/finalizer"})
	g.Expect(cluster.Create(t.Context(), machine)).To(Succeed())
	namespace.Labels = map[string]string{"terraform-capi.io/policy": "restricted"}
	g.Expect(cluster.Update(t.Context(), namespace)).To(Succeed())
	another := machine.DeepCopy()
	another.SetName("another")
	another.SetResourceVersion("")
	g.Eventually(func() error { return cluster.Create(t.Context(), another.DeepCopy(), client.DryRunAll) }).WithTimeout(time.Minute).
		Should(MatchError(ContainSubstring("denied request")))

	g.Expect(unstructured.SetNestedField(machine.Object, "docker:////a", "spec", "providerID")).To(Succeed())
	g.Expect(cluster.Update(t.Context(), machine)).To(Succeed())
	changed := machine.DeepCopy()
	g.Expect(unstructured.SetNestedSlice(changed.Object, []any{map[string]any{"hostPath": "/", "containerPath": "/host"}}, "spec", "extraMounts")).To(Succeed())
	g.Expect(cluster.Update(t.Context(), changed)).To(MatchError(ContainSubstring("denied request: extraMounts: ")))
	g.Expect(cluster.Delete(t.Context(), machine)).To(Succeed())
	g.Expect(cluster.Get(t.Context(), client.ObjectKeyFromObject(machine), machine)).To(Succeed())
	machine.SetFinalizers(nil)
	g.Expect(cluster.Update(t.Context(), machine)).To(Succeed())
}

// An API server from before there were admission policies does without.
func TestInstallWithoutPolicies(t *testing.T) {
	g := NewWithT(t)
	provider, err := config.Find(dockerProvider)
	g.Expect(err).NotTo(HaveOccurred())
	all := objects(t, provider)
	isPolicy := Or(BeAssignableToTypeOf(&admissionv1.ValidatingAdmissionPolicy{}), BeAssignableToTypeOf(&admissionv1.ValidatingAdmissionPolicyBinding{}))
	g.Expect(all).To(ContainElement(isPolicy))
	old := &management.Cluster{Client: fake.NewClientBuilder().WithRESTMapper(meta.NewDefaultRESTMapper(nil)).Build()}
	left, err := withoutUnserved(old, all)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(left).NotTo(Or(BeEmpty(), ContainElement(isPolicy)))
}
