// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/yaml"
)

// dockerBlueprint has what testClass refers to. Settings are YAML, the specs of what is made from the templates.
func dockerBlueprint(t *testing.T, machine, worker, kubeadm string) Blueprint {
	t.Helper()
	class := testClass()
	class.Spec.Workers.MachineDeployments[0].Infrastructure.TemplateRef.Name = "worker"
	class.Spec.Variables = nil
	template := func(group, kind, name, spec string) *unstructured.Unstructured {
		obj := &unstructured.Unstructured{}
		content := map[string]any{}
		if err := yaml.Unmarshal([]byte(spec), &content); err != nil {
			t.Fatal(err)
		}
		obj.Object = map[string]any{"spec": map[string]any{"template": map[string]any{"spec": content}}}
		obj.SetAPIVersion(group + ".cluster.x-k8s.io/v1beta2")
		obj.SetKind(kind)
		obj.SetNamespace("default")
		obj.SetName(name)
		return obj
	}
	return Blueprint{Class: class, Templates: []*unstructured.Unstructured{
		template("infrastructure", "DockerClusterTemplate", "t", "{}"),
		template("controlplane", "KubeadmControlPlaneTemplate", "t", "kubeadmConfigSpec: {}"),
		template("infrastructure", "DockerMachineTemplate", "t", machine),
		template("bootstrap", "KubeadmConfigTemplate", "t", kubeadm),
		template("infrastructure", "DockerMachineTemplate", "worker", worker),
	}}
}

func dockerCluster(replicas ...int32) *clusterv1.Cluster {
	return testCluster(func(c *clusterv1.Cluster) {
		c.Spec.Topology.ControlPlane.Replicas = ptr.To(replicas[0])
		c.Spec.Topology.Workers.MachineDeployments = nil
		for i, n := range replicas[1:] {
			c.Spec.Topology.Workers.MachineDeployments = append(c.Spec.Topology.Workers.MachineDeployments,
				clusterv1.MachineDeploymentTopology{Name: string(rune('a' + i)), Class: "default-worker", Replicas: ptr.To(n)})
		}
	})
}

// What the Docker provider would refuse, or could not do, is known before anything is made, and where it comes from.
func TestRefusedByDocker(t *testing.T) {
	const (
		controlPlane = "spec.topology.controlPlane"
		workers      = "spec.topology.workers.machineDeployments[0]"
		ofWorkers    = `DockerMachineTemplate that comes of machine deployment class "default-worker" and its variables is invalid: `
		ofKubeadm    = `KubeadmConfigTemplate that comes of machine deployment class "default-worker" and its variables is invalid: `
		port         = "extraPortMappings: [{containerPort: 80, hostPort: 8080}]"
	)
	for name, test := range map[string]struct {
		machine, worker, kubeadm string
		cluster                  *clusterv1.Cluster
		// field and message of each problem.
		want [][2]string
	}{
		"valid": {"customImage: example.com/node:1", "bootstrapTimeout: 10m", "preKubeadmCommands: [echo]", dockerCluster(1, 2), nil},
		"a relative mount": {"{}", "extraMounts: [{hostPath: data, containerPath: /data}]", "{}", dockerCluster(1, 1),
			[][2]string{{workers, ofWorkers + `spec.template.spec.extraMounts[0].hostPath: Invalid value: "data": must be an absolute path`}}},
		"of the control plane": {"extraMounts: [{hostPath: /data, containerPath: /var}]", "{}", "{}", dockerCluster(1),
			[][2]string{{controlPlane, `DockerMachineTemplate that comes of the class and its variables is invalid: spec.template.spec.extraMounts[0].containerPath: Invalid value: "/var"`}}},
		"no duration": {"{}", "bootstrapTimeout: ten minutes", "{}", dockerCluster(1, 1),
			[][2]string{{workers, ofWorkers + `spec.template.spec.bootstrapTimeout: "ten minutes" is not a duration such as "90s" or "1h30m"`}}},
		"no quantity": {"{}", "resources: {memory: much}", "{}", dockerCluster(1, 1),
			[][2]string{{workers, ofWorkers + `spec.template.spec.resources.memory: "much": quantities must match`}}},
		"no time": {"{}", "bootstrapTimeout: 0s", "{}", dockerCluster(1, 1), [][2]string{{workers, "must be longer than zero"}}},
		"cloud-config for disks and clocks": {"{}", "{}", "{ntp: {servers: [a]}, diskSetup: {filesystems: [{device: /dev/sda, filesystem: ext4, label: a}]}, mounts: [[a, b]]}", dockerCluster(1, 1),
			[][2]string{
				{workers, ofKubeadm + "spec.template.spec.ntp: Forbidden: is not supported by the Docker infrastructure provider: containers have the clock of the Docker host"},
				{workers, "spec.template.spec.diskSetup.filesystems"},
				{workers, "spec.template.spec.mounts: Forbidden: is not supported by the Docker infrastructure provider: use extraMounts of the DockerMachine"},
			}},

		"a port for one":                {"{}", port, "{}", dockerCluster(1, 1), nil},
		"a port for two":                {"{}", port, "{}", dockerCluster(1, 2), [][2]string{{workers + ".replicas", "one machine at most can have port 8080 of the Docker host"}}},
		"a port that Docker chooses":    {"{}", "extraPortMappings: [{containerPort: 80}]", "{}", dockerCluster(1, 2), nil},
		"for three control planes":      {port, "{}", "{}", dockerCluster(3), [][2]string{{controlPlane + ".replicas", "each of 3"}}},
		"for two sets":                  {"{}", port, "{}", dockerCluster(1, 1, 1), [][2]string{{"spec.topology.workers.machineDeployments[1]", "is the machine deployment a's"}}},
		"for two, of which one is none": {"{}", port, "{}", dockerCluster(1, 0, 1), nil},
		"also of the control plane":     {port, port, "{}", dockerCluster(1, 1), [][2]string{{workers, "is the control plane's"}}},
		"at another address":            {"extraPortMappings: [{containerPort: 80, hostPort: 8080, listenAddress: 127.0.0.2}]", port, "{}", dockerCluster(1, 1), nil},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			blueprint := dockerBlueprint(t, test.machine, test.worker, test.kubeadm)
			rendering, problems := Render(t.Context(), blueprint, test.cluster, nil)
			g.Expect(problems).To(HaveLen(len(test.want)), "%v", problems)
			for i, want := range test.want {
				g.Expect(problems[i].Field).To(Equal(want[0]))
				g.Expect(problems[i].Message).To(ContainSubstring(want[1]))
			}
			_, again := Render(t.Context(), blueprint, test.cluster, rendering)
			g.Expect(again).To(BeEmpty(), "what is so already is not refused: a plan that destroys it would be, too")
		})
	}
}

// Templates are refused before any cluster is made of them; those that are not for this provider are not its business.
func TestTemplatesRefusedByDocker(t *testing.T) {
	for name, test := range map[string]struct{ kind, spec, want string }{
		"a cluster":              {"DockerClusterTemplate", "loadBalancer: {hostIP: everywhere}", "spec.template.spec.loadBalancer.hostIP"},
		"a cluster of Dev kinds": {"DevClusterTemplate", "backend: {docker: {loadBalancer: {imageTag: '?'}}}", "spec.template.spec.backend.docker.loadBalancer.imageTag"},
		"in memory":              {"DevClusterTemplate", "backend: {inMemory: {}}", ""},
		"a machine":              {"DockerMachineTemplate", "customImage: '?'", "spec.template.spec.customImage"},
		"another kind":           {"BoxTemplate", "customImage: '?'", ""},
		"of the wrong type":      {"DockerMachineTemplate", "customImage: 1", ""}, // the schema's to refuse
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			obj := dockerBlueprint(t, test.spec, "{}", "{}").Templates[2]
			obj.SetKind(test.kind)
			problems := RefusedByDocker(t.Context(), obj)
			if test.want == "" {
				g.Expect(problems).To(BeEmpty())
				return
			}
			g.Expect(problems).To(ConsistOf(HaveField("Field", test.want)))
		})
	}
}

// Of machines that are replaced, the new one would wait for ever for the port of the old one.
func TestStuckRolls(t *testing.T) {
	const port, other, rolled = "extraPortMappings: [{containerPort: 80, hostPort: 8080}]", "extraPortMappings: [{containerPort: 80, hostPort: 8081}]", "\nlabels: {a: b}"
	firstGoes := func(c *clusterv1.Cluster) {
		c.Spec.Topology.Workers.MachineDeployments[0].Rollout.Strategy = clusterv1.MachineDeploymentTopologyRolloutStrategy{
			Type: clusterv1.RollingUpdateMachineDeploymentStrategyType,
			RollingUpdate: clusterv1.MachineDeploymentTopologyRolloutStrategyRollingUpdate{
				MaxSurge: ptr.To(intstr.FromInt32(0)), MaxUnavailable: ptr.To(intstr.FromInt32(1)),
			},
		}
	}
	for name, test := range map[string]struct {
		controlPlane, worker [2]string
		change               func(*clusterv1.Cluster)
		field, message       string
	}{
		"nothing rolls":           {worker: [2]string{port, port}},
		"no port":                 {worker: [2]string{"{}", "labels: {a: b}"}},
		"the port of the old one": {worker: [2]string{port, port + rolled}, field: "spec.topology.workers.machineDeployments[0]", message: "maxSurge = 0"},
		"the old one goes first":  {worker: [2]string{port, port + rolled}, change: firstGoes},
		"another port":            {worker: [2]string{port, other}},
		"no port any more":        {worker: [2]string{port, "{}"}},
		"a control plane":         {controlPlane: [2]string{port, port + rolled}, field: "spec.topology.controlPlane", message: "replace the cluster"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			orNothing := func(spec string) string {
				if spec == "" {
					return "{}"
				}
				return spec
			}
			cluster := dockerCluster(1, 1)
			if test.change != nil {
				test.change(cluster)
			}
			before, problems := Render(t.Context(), dockerBlueprint(t, orNothing(test.controlPlane[0]), orNothing(test.worker[0]), "{}"), cluster, nil)
			g.Expect(problems).To(BeEmpty())
			_, problems = Render(t.Context(), dockerBlueprint(t, orNothing(test.controlPlane[1]), orNothing(test.worker[1]), "{}"), cluster, before)
			if test.field == "" {
				g.Expect(problems).To(BeEmpty())
				return
			}
			g.Expect(problems).To(HaveLen(1))
			g.Expect(problems[0].Field).To(Equal(test.field))
			g.Expect(problems[0].Message).To(And(ContainSubstring("port 8080"), ContainSubstring(test.message)))
		})
	}
}

// Text that only its Go type can read is found wherever it is, in every version of kubeadm's kinds.
func TestUnreadableObjects(t *testing.T) {
	g := NewWithT(t)
	blueprint := dockerBlueprint(t, "{}", "{}", "{}")
	blueprint.Class.Spec.Workers.MachineDeployments[0].Bootstrap.TemplateRef.APIVersion = "bootstrap.cluster.x-k8s.io/v1beta1"
	config := blueprint.Templates[3]
	config.SetAPIVersion("bootstrap.cluster.x-k8s.io/v1beta1")
	g.Expect(unstructured.SetNestedField(config.Object, "five minutes", "spec", "template", "spec", "joinConfiguration", "discovery", "timeout")).To(Succeed())
	_, problems := Render(t.Context(), blueprint, dockerCluster(1, 1), nil)
	g.Expect(problems).To(ContainElement(And(
		HaveField("Field", "spec.topology.workers.machineDeployments[0]"),
		HaveField("Message", ContainSubstring(`spec.template.spec.joinConfiguration.discovery.timeout: "five minutes" is not a duration`)))))
}
