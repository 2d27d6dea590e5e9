// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package topology

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	bootstrapv1 "sigs.k8s.io/cluster-api/api/bootstrap/kubeadm/v1beta2"
	devv1 "sigs.k8s.io/cluster-api/test/infrastructure/docker/api/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	dockerv1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/cloudinit"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/variants"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/webhooks"
)

// dockerAdmission are the webhooks of the Docker provider's kinds that classes refer
// to, and renderings have.
var dockerAdmission = map[string]func(context.Context, *unstructured.Unstructured) []Problem{
	"DockerCluster":         admittedBy[dockerv1.DockerCluster](&webhooks.DockerCluster{}),
	"DockerClusterTemplate": admittedBy[dockerv1.DockerClusterTemplate](&webhooks.DockerClusterTemplate{}),
	"DockerMachineTemplate": admittedBy[dockerv1.DockerMachineTemplate](&webhooks.DockerMachineTemplate{}),
	"DevCluster":            admittedBy[devv1.DevCluster](&webhooks.DevCluster{}),
	"DevClusterTemplate":    admittedBy[devv1.DevClusterTemplate](&webhooks.DevClusterTemplate{}),
	"DevMachineTemplate":    admittedBy[devv1.DevMachineTemplate](&webhooks.DevMachineTemplate{}),
}

func admittedBy[T any, P interface {
	*T
	client.Object
}](validator admission.Validator[P]) func(context.Context, *unstructured.Unstructured) []Problem {
	return func(ctx context.Context, obj *unstructured.Unstructured) []Problem {
		typed := P(new(T))
		if problems := unreadable("", reflect.TypeFor[T](), obj.Object); len(problems) > 0 {
			return problems
		}
		// Other types than the schema's are the schema's to refuse.
		if runtime.DefaultUnstructuredConverter.FromUnstructured(obj.Object, typed) != nil {
			return nil
		}
		_, err := validator.ValidateCreate(ctx, typed)
		return Problems(err)
	}
}

// RefusedByDocker returns what the webhooks of the Docker provider would refuse about
// an object, if it is one of its kinds. To be asked of what is as the schema says.
func RefusedByDocker(ctx context.Context, obj *unstructured.Unstructured) (problems []Problem) {
	defer guardProblems("The Docker provider's admission code", &problems)
	if !isDocker(obj) {
		return nil
	}
	return dockerAdmission[obj.GetKind()](ctx, obj)
}

// dockerSet is a set of machines that the Docker provider makes.
type dockerSet struct {
	Set
	// field is the set in the Cluster, class is what it is made from.
	field, class string
	// machine is the template of its machines, and ports are those that they publish.
	machine *unstructured.Unstructured
	ports   []dockerv1.PortMapping
	// bootstrap are the settings of its machines' bootstrap, in the object of that kind at that path; nil if another
	// provider than kubeadm's bootstraps them.
	bootstrap     *bootstrapv1.KubeadmConfigSpec
	bootstrapKind string
	bootstrapPath *field.Path
}

// refusedByDocker returns what the Docker provider would refuse about the objects
// of the rendering, if not nil in place of those before: its webhooks, its bootstrap,
// or an engine of which two containers want the same port. What was so before is
// not refused again.
func (r *Rendering) refusedByDocker(ctx context.Context, before *Rendering) []Problem {
	problems := r.dockerProblems(ctx)
	if before == nil {
		return problems
	}
	if len(problems) > 0 {
		known := before.dockerProblems(ctx)
		problems = slices.DeleteFunc(problems, func(p Problem) bool { return slices.Contains(known, p) })
	}
	return append(problems, r.stuckRolls(before)...)
}

func (r *Rendering) dockerProblems(ctx context.Context) []Problem {
	problems := refusedObject(ctx, r.state.InfrastructureCluster, "spec.topology.classRef", theClass)
	sets := r.dockerSets()
	for i, set := range sets {
		problems = append(problems, refusedObject(ctx, set.machine, set.field, set.class)...)
		problems = append(problems, set.refusedBootstrap()...)
		problems = append(problems, set.sharedPorts(sets[:i])...)
	}
	return problems
}

// isDocker says whether an object is for the Docker provider. One of a Dev* kind
// with another backend is for upstream's.
func isDocker(obj *unstructured.Unstructured) bool {
	if obj == nil || obj.GroupVersionKind().GroupVersion() != dockerv1.GroupVersion || dockerAdmission[obj.GetKind()] == nil {
		return false
	}
	for _, backend := range [][]string{{"spec", "backend", "inMemory"}, {"spec", "template", "spec", "backend", "inMemory"}} {
		if _, found, _ := unstructured.NestedFieldNoCopy(obj.Object, backend...); found {
			return false
		}
	}
	return true
}

func refusedObject(ctx context.Context, obj *unstructured.Unstructured, fieldOfCluster, class string) []Problem {
	var problems []Problem
	for _, problem := range RefusedByDocker(ctx, obj) {
		problems = append(problems, invalidIn(fieldOfCluster, class, obj.GetKind(), problem))
	}
	return problems
}

// dockerSets returns the sets of machines that the Docker provider makes.
func (r *Rendering) dockerSets() []dockerSet {
	var sets []dockerSet
	add := func(set dockerSet) {
		if isDocker(set.machine) {
			set.ports = publishedPorts(set.machine)
			sets = append(sets, set)
		}
	}
	controlPlane := dockerSet{
		Set:   Set{Kind: ControlPlane, Replicas: r.Cluster.Spec.Topology.ControlPlane.Replicas},
		field: "spec.topology.controlPlane", class: theClass, machine: r.state.ControlPlane.InfrastructureMachineTemplate,
	}
	if kcp, ok := kubeadmControlPlane(r.state.ControlPlane.Object); ok {
		controlPlane.bootstrap, controlPlane.bootstrapKind = &kcp.Spec.KubeadmConfigSpec, "KubeadmControlPlane"
		controlPlane.bootstrapPath = field.NewPath("spec", "kubeadmConfigSpec")
	}
	add(controlPlane)
	for i, topology := range r.Cluster.Spec.Topology.Workers.MachineDeployments {
		md := r.state.MachineDeployments[topology.Name]
		set := dockerSet{
			Set:   Set{Kind: MachineDeployment, Name: topology.Name, Replicas: topology.Replicas},
			field: fmt.Sprintf("spec.topology.workers.machineDeployments[%d]", i), class: workerClass(topology.Class),
			machine: md.InfrastructureMachineTemplate,
		}
		template := &bootstrapv1.KubeadmConfigTemplate{}
		if obj := inHub(md.BootstrapTemplate); obj.GroupVersionKind() == kubeadmConfigTemplateKind &&
			runtime.DefaultUnstructuredConverter.FromUnstructured(obj.Object, template) == nil {
			set.bootstrap, set.bootstrapKind = &template.Spec.Template.Spec, "KubeadmConfigTemplate"
			set.bootstrapPath = field.NewPath("spec", "template", "spec")
		}
		add(set)
	}
	return sets
}

// publishedPorts are the ports that machines of a template have on the Docker host,
// if they are the same for each of them.
func publishedPorts(template *unstructured.Unstructured) []dockerv1.PortMapping {
	typed := &dockerv1.DockerMachineTemplate{}
	if template.GetKind() != variants.DockerMachineTemplate.Kind || runtime.DefaultUnstructuredConverter.FromUnstructured(template.Object, typed) != nil {
		return nil
	}
	return slices.DeleteFunc(typed.Spec.Template.Spec.ExtraPortMappings, func(m dockerv1.PortMapping) bool { return m.HostPort == 0 })
}

// refusedBootstrap returns what the machines' bootstrap cannot do.
func (s dockerSet) refusedBootstrap() []Problem {
	if s.bootstrap == nil {
		return nil
	}
	var problems []Problem
	for _, problem := range fieldProblems(cloudinit.ValidateKubeadmConfig(s.bootstrapPath, *s.bootstrap)) {
		problems = append(problems, invalidIn(s.field, s.class, s.bootstrapKind, problem))
	}
	return problems
}

// sharedPorts returns the ports of the Docker host that machines of the set want
// that other machines have: others of the set, or of one of those before it.
func (s dockerSet) sharedPorts(before []dockerSet) []Problem {
	if s.Replicas == nil || *s.Replicas == 0 || len(s.ports) == 0 {
		return nil
	}
	if *s.Replicas > 1 {
		return []Problem{{Field: s.field + ".replicas", Message: fmt.Sprintf(
			"one machine at most can have port %d of the Docker host, which extraPortMappings in the DockerMachineTemplate of %s gives to each of %d: "+
				"declare one replica, or no hostPort, and Docker chooses one for each", s.ports[0].HostPort, s.class, *s.Replicas)}}
	}
	for _, other := range before {
		if mapping := collision(s.ports, other.ports); mapping != nil && other.Replicas != nil && *other.Replicas > 0 {
			return []Problem{{Field: s.field, Message: fmt.Sprintf(
				"port %d of the Docker host, which extraPortMappings in the DockerMachineTemplate of %s asks for, is the %s's: declare another hostPort, or none, and Docker chooses one",
				mapping.HostPort, s.class, other.Label())}}
		}
	}
	return nil
}

// collision is the first of the mappings that wants a port that others have.
func collision(mappings, others []dockerv1.PortMapping) *dockerv1.PortMapping {
	for i := range mappings {
		if slices.ContainsFunc(others, func(other dockerv1.PortMapping) bool { return webhooks.Collide(mappings[i], other) }) {
			return &mappings[i]
		}
	}
	return nil
}

// stuckRolls returns the sets that are to be replaced machine by machine, where the
// old machine has a port of the Docker host that the new one wants before it is gone.
func (r *Rendering) stuckRolls(before *Rendering) []Problem {
	old := map[string]dockerSet{}
	for _, set := range before.dockerSets() {
		old[set.Label()] = set
	}
	wanted := map[string]dockerSet{}
	for _, set := range r.dockerSets() {
		if collision(set.ports, old[set.Label()].ports) != nil {
			wanted[set.Label()] = set
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	rolls, problems := Compare(before, r)
	for _, roll := range rolls {
		set, found := wanted[roll.Label()]
		if !found || roll.MaxSurge == "" || roll.MaxSurge == "0" || roll.MaxSurge == "0%" {
			continue
		}
		remedy := "set rollout.strategy.rollingUpdate.maxSurge = 0 of the machine deployment, and maxUnavailable = 1, so that the old one goes first"
		if roll.Kind == ControlPlane {
			remedy = "a control plane of one machine cannot do without it meanwhile, so change it together with hostPort, or replace the cluster"
		}
		problems = append(problems, Problem{Field: set.field, Message: fmt.Sprintf(
			"its machines are replaced (%s), and a new one cannot start while an old one has port %d of the Docker host (extraPortMappings in the DockerMachineTemplate of %s): %s; "+
				"or declare no hostPort, and Docker chooses one for each", strings.Join(roll.Reasons, ", "), set.ports[0].HostPort, set.class, remedy)})
	}
	return problems
}
