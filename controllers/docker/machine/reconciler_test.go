// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/util/conditions"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

const success = "exit=0\ncommand=\n\n"

func TestReconcileFromNothingToReady(t *testing.T) {
	forEachVariant(t, reconcileFromNothingToReady)
}

func reconcileFromNothingToReady(e *environment) {
	e.mustReconcile()

	m := e.dockerMachine()
	e.Expect(m.Finalizers).To(ContainElement(infrav1.MachineFinalizer))
	e.Expect(m.Spec.ProviderID).To(Equal("docker:////" + node))
	e.Expect(m.Status.Initialization.Provisioned).To(HaveValue(BeTrue()), "the machine is provisioned while it bootstraps")
	e.Expect(m.Status.FailureDomain).To(Equal("fd1"))
	e.Expect(m.Status.Addresses).To(ContainElements(
		clusterv1.MachineAddress{Type: clusterv1.MachineHostName, Address: node},
		clusterv1.MachineAddress{Type: clusterv1.MachineInternalIP, Address: e.engine.Spec(node).IPv4}))
	e.expectCondition(infrav1.ContainerProvisionedCondition, metav1.ConditionTrue, infrav1.ContainerProvisionedReason, "")
	e.expectCondition(infrav1.BootstrapCompletedCondition, metav1.ConditionFalse, infrav1.BootstrapNotCompletedReason, "")
	e.expectCondition(clusterv1.ReadyCondition, metav1.ConditionFalse, infrav1.BootstrapNotCompletedReason, "")
	e.expectCondition(clusterv1.PausedCondition, metav1.ConditionFalse, clusterv1.NotPausedReason, "")

	e.finish(node, success)
	e.awaitJob()
	e.mustReconcile()
	e.expectCondition(infrav1.BootstrapCompletedCondition, metav1.ConditionTrue, infrav1.BootstrapCompletedReason, "")
	e.expectCondition(clusterv1.ReadyCondition, metav1.ConditionTrue, clusterv1.ReadyReason, "")
}

// The order of the calls is the heart of it: what the node needs is in it before it starts.
func TestContainerGetsItsDataBeforeItStarts(t *testing.T) {
	e := newEnvironment(t)
	e.mustReconcile()
	var calls []string
	for _, call := range e.engine.Calls() {
		if method, _, _ := strings.Cut(call, " "); slices.Contains([]string{"EnsureNetwork", "Create", "CopyTo", "Start"}, method) {
			calls = append(calls, call)
		}
	}
	e.Expect(calls).To(Equal([]string{"EnsureNetwork clusters", "Create " + node, "CopyTo " + node, "Start " + node}))
}

func TestContainerSpec(t *testing.T) {
	e := newEnvironment(t, func(o *objects) {
		o.dockerMachine.Spec.ExtraMounts = []infrav1.Mount{{HostPath: "/data", ContainerPath: "/mnt", Readonly: true}}
	})
	e.engine.EngineInfo.SecurityOptions = []string{"name=seccomp,profile=default", "name=userns"}
	e.mustReconcile()
	spec := e.engine.Spec(node)
	e.Expect(spec.Image).To(Equal(testImage))
	e.Expect(spec.Privileged).To(BeTrue())
	e.Expect(spec.RestartUnlessStopped).To(BeTrue())
	e.Expect(spec.HostUsers).To(BeTrue())
	e.Expect(spec.Volumes).To(ConsistOf("/var"))
	e.Expect(spec.Mounts).To(ContainElement(container.Mount{Source: "/data", Target: "/mnt", ReadOnly: true}))
	e.Expect(spec.Labels).To(Equal(map[string]string{
		identity.RoleLabel:          "control-plane",
		identity.ManagementUIDLabel: "management-uid", identity.ManagementNodeLabel: "management-node",
		identity.NamespaceLabel: "default", identity.ClusterLabel: "test", identity.ClusterUIDLabel: "cluster-uid",
		identity.MachineLabel: "dm-1", identity.ObjectUIDLabel: "docker-machine-uid", identity.FailureDomainLabel: "fd1",
		identity.EndpointLabel: "test-lb-12345",
	}))
}

func TestWaiting(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*objects)
		reason string
		// created says that the container is made in advance.
		created bool
	}{
		"for the cluster's infrastructure": {
			change: func(o *objects) { o.cluster.Status = clusterv1.ClusterStatus{} },
			reason: infrav1.ContainerWaitingForClusterInfrastructureReason,
		},
		"for bootstrap data": {
			change:  func(o *objects) { o.machine.Spec.Bootstrap.DataSecretName = nil },
			reason:  infrav1.ContainerWaitingForBootstrapDataReason,
			created: true,
		},
		"for the control plane": {
			change: func(o *objects) {
				o.machine.Spec.Bootstrap.DataSecretName = nil
				delete(o.machine.Labels, clusterv1.MachineControlPlaneLabel)
			},
			reason:  infrav1.ContainerWaitingForControlPlaneInitializedReason,
			created: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnvironment(t, test.change)
			e.mustReconcile()
			e.expectCondition(infrav1.ContainerProvisionedCondition, metav1.ConditionFalse, test.reason, "")
			e.expectCondition(infrav1.BootstrapCompletedCondition, metav1.ConditionFalse, infrav1.BootstrapWaitingForContainerReason, "")
			e.Expect(e.dockerMachine().Spec.ProviderID).To(BeEmpty())
			found, err := e.engine.Inspect(ctx, node)
			if !test.created {
				e.Expect(err).To(MatchError(container.ErrNotFound))
				return
			}
			e.Expect(found.State).To(Equal(container.StateCreated))

			update(e, &clusterv1.Machine{}, "cp-1", func(m *clusterv1.Machine) { m.Spec.Bootstrap.DataSecretName = ptr.To("data") })
			e.mustReconcile()
			e.expectCondition(infrav1.ContainerProvisionedCondition, metav1.ConditionTrue, infrav1.ContainerProvisionedReason, "")
		})
	}
}

func TestNothingHappensWithoutOwner(t *testing.T) {
	e := newEnvironment(t, func(o *objects) { o.dockerMachine.OwnerReferences = nil })
	e.mustReconcile()
	e.Expect(e.engine.Calls()).To(BeEmpty())
	e.Expect(e.dockerMachine().Finalizers).To(BeEmpty())
}

func TestPaused(t *testing.T) {
	forEachVariant(t, paused, func(o *objects) { o.cluster.Spec.Paused = ptr.To(true) })
}

func paused(e *environment) {
	e.mustReconcile()
	e.Expect(e.engine.Calls()).To(BeEmpty())
	e.expectCondition(clusterv1.PausedCondition, metav1.ConditionTrue, clusterv1.PausedReason, "the "+e.variant.Kind+" is paused")

	update(e, &clusterv1.Cluster{}, "test", func(c *clusterv1.Cluster) { c.Spec.Paused = nil })
	e.mustReconcile()
	e.expectCondition(clusterv1.PausedCondition, metav1.ConditionFalse, clusterv1.NotPausedReason, "")
	e.expectCondition(infrav1.ContainerProvisionedCondition, metav1.ConditionTrue, infrav1.ContainerProvisionedReason, "")
}

func TestPull(t *testing.T) {
	e := newEnvironment(t, func(o *objects) { o.dockerMachine.Spec.CustomImage = "example.com/node:1" })
	refuse := true
	e.engine.OnPull = func(string, *container.Credentials) error {
		if refuse {
			return errors.New("denied")
		}
		return nil
	}
	e.mustReconcile()
	e.expectCondition(infrav1.ContainerProvisionedCondition, metav1.ConditionFalse, infrav1.ContainerPullingImageReason, "example.com/node:1")

	e.awaitJob()
	_, err := e.reconcile()
	e.Expect(err).To(MatchError(ContainSubstring("cannot be pulled: pulling image example.com/node:1: denied")))
	e.expectCondition(infrav1.ContainerProvisionedCondition, metav1.ConditionFalse, infrav1.ImagePullFailedReason, "denied")

	refuse = false
	e.mustReconcile()
	e.expectCondition(infrav1.ContainerProvisionedCondition, metav1.ConditionFalse, infrav1.ImagePullFailedReason, "denied")
	e.expectCondition(clusterv1.ReadyCondition, metav1.ConditionFalse, infrav1.ImagePullFailedReason, "denied")
	e.awaitJob()
	e.mustReconcile()
	e.expectCondition(infrav1.ContainerProvisionedCondition, metav1.ConditionTrue, infrav1.ContainerProvisionedReason, "")
}

// The condition that Cluster API copies to the Machine says which failures need help and which may pass, and keeps the error
// while the controller tries again.
func TestNeedsHelp(t *testing.T) {
	for name, test := range map[string]struct {
		change    func(*environment)
		reason    string
		needsHelp bool
	}{
		"no registry has the image": {func(e *environment) {
			e.engine.OnPull = func(string, *container.Credentials) error { return container.ErrNotFound }
		}, infrav1.ImageNotFoundReason, true},
		"a mirror cannot be asked": {func(e *environment) {
			e.engine.OnPull = func(image string, _ *container.Credentials) error {
				if strings.HasPrefix(image, "mirror.example.com/") {
					return errors.New("no route to host")
				}
				return container.ErrNotFound
			}
		}, infrav1.ImagePullFailedReason, false},
		"the host port is in use": {func(e *environment) {
			e.engine.BuildImage("example.com/node:1", "1")
			e.Expect(e.engine.Create(ctx, container.Spec{Name: "web", Image: testImage, Ports: []container.PortBinding{{HostPort: 8080}}})).To(Succeed())
			e.Expect(e.engine.Start(ctx, "web")).To(Succeed())
		}, infrav1.HostPortInUseReason, true},
		"the engine refuses the container": {func(e *environment) {
			e.engine.BuildImage("example.com/node:1", "1")
			e.engine.BeforeCall = func(_ context.Context, method, _ string) error {
				if method == "Create" {
					return container.ErrRefused
				}
				return nil
			}
		}, infrav1.ContainerRefusedReason, true},
		"the engine fails": {func(e *environment) {
			e.engine.BuildImage("example.com/node:1", "1")
			e.engine.BeforeCall = func(_ context.Context, method, _ string) error {
				if method == "Create" {
					return errors.New("no space left on device")
				}
				return nil
			}
		}, infrav1.ContainerNotProvisionedReason, false},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnvironment(t, func(o *objects) {
				o.dockerMachine.Spec.CustomImage = "example.com/node:1"
				o.dockerMachine.Spec.ExtraPortMappings = []infrav1.PortMapping{{ContainerPort: 80, HostPort: 8080}}
				o.dockerMachine.Spec.ImagePull.Mirrors = []infrav1.RegistryMirror{{Registry: "example.com", Mirror: "mirror.example.com"}}
			})
			test.change(e)
			_, err := e.reconcile()
			if err == nil {
				e.await(func() bool {
					return conditions.GetReason(e.dockerMachine(), infrav1.ContainerProvisionedCondition) != infrav1.ContainerPullingImageReason
				})
			}
			for range 3 {
				e.expectCondition(clusterv1.ReadyCondition, metav1.ConditionFalse, test.reason, "ContainerProvisioned: ")
				_, _ = e.reconcile()
			}
			e.Expect(infrav1.NeedsHelp(test.reason)).To(Equal(test.needsHelp))
		})
	}
}

func TestInvalidBootstrapData(t *testing.T) {
	for name, test := range map[string]struct {
		change  func(*objects)
		message string
	}{
		"ignition":  {func(o *objects) { o.secret.Data["format"] = []byte("ignition") }, "only cloud-config is supported"},
		"no value":  {func(o *objects) { delete(o.secret.Data, "value") }, "no key \"value\""},
		"not known": {func(o *objects) { o.secret.Data["value"] = []byte("#cloud-config\npackages: [a]\n") }, "unknown directive packages"},
		"other CNI": {func(o *objects) { o.cluster.Annotations = map[string]string{infrav1.CNIAnnotation: "x"} }, "can only be \"node-image\""},
		"CNI without pod network": {func(o *objects) {
			o.cluster.Annotations = map[string]string{infrav1.CNIAnnotation: infrav1.CNINodeImage}
			o.cluster.Spec.ClusterNetwork = clusterv1.ClusterNetwork{}
		}, "spec.clusterNetwork.pods.cidrBlocks"},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnvironment(t, test.change)
			e.mustReconcile()
			e.expectCondition(infrav1.ContainerProvisionedCondition, metav1.ConditionFalse, infrav1.ContainerInvalidBootstrapDataReason, test.message)
			found, err := e.engine.Inspect(ctx, node)
			e.Expect(err).NotTo(HaveOccurred())
			e.Expect(found.State).To(Equal(container.StateCreated), "it must not start")
		})
	}
}

func TestNameTaken(t *testing.T) {
	e := newEnvironment(t)
	e.Expect(e.engine.Create(ctx, container.Spec{Name: node, Image: testImage, Labels: map[string]string{
		identity.NamespaceLabel: "default", identity.ClusterLabel: "test", identity.MachineLabel: "dm-1",
		identity.ManagementUIDLabel: "management-uid", identity.ObjectUIDLabel: "of a deleted machine of the same name",
	}})).To(Succeed())
	e.mustReconcile()
	e.expectCondition(infrav1.ContainerProvisionedCondition, metav1.ConditionFalse, infrav1.ContainerNameTakenReason, "docker rm -f -v "+node)
	e.Expect(e.engine.Calls()).NotTo(ContainElement(HavePrefix("Start")))
}

// After a move to another management cluster the objects have other UIDs and no status.
func TestMoved(t *testing.T) {
	e := newEnvironment(t)
	e.mustReconcile()
	e.finish(node, success)
	update(e, &infrav1.DockerMachine{}, "dm-1", func(m *infrav1.DockerMachine) {
		m.UID = "another"
		m.CreationTimestamp = metav1.NewTime(time.Now().Add(time.Second))
		m.Status = infrav1.DockerMachineStatus{}
	})
	e.restart()
	e.mustReconcile()
	e.expectCondition(clusterv1.ReadyCondition, metav1.ConditionTrue, clusterv1.ReadyReason, "")
}

// A container of another management cluster may get the name of one that is gone, and all other names, too.
func TestNameOfGoneContainerTaken(t *testing.T) {
	e := newEnvironment(t, func(o *objects) {
		o.dockerMachine.CreationTimestamp = metav1.NewTime(time.Now().Add(-time.Minute))
		o.dockerMachine.Finalizers = []string{infrav1.MachineFinalizer}
	})
	e.mustReconcile()
	labels := maps.Clone(e.engine.Spec(node).Labels)
	labels[identity.ManagementUIDLabel], labels[identity.ObjectUIDLabel] = "elsewhere", "elsewhere"
	e.engine.Vanish(node)
	e.Expect(e.engine.Create(ctx, container.Spec{Name: node, Image: testImage, Labels: labels})).To(Succeed())

	e.mustReconcile()
	e.expectCondition(infrav1.ContainerProvisionedCondition, metav1.ConditionFalse, infrav1.ContainerMissingReason, node)
	e.Expect(e.engine.Calls()).NotTo(ContainElement("Remove " + node))
	e.Expect(e.client.Delete(ctx, e.dockerMachine())).To(Succeed())
	e.mustReconcile()
	e.Expect(e.engine.Inspect(ctx, node)).To(And(HaveField("Labels", labels), HaveField("State", container.StateCreated)))
}

func TestPausedContainer(t *testing.T) {
	e := newEnvironment(t)
	e.mustReconcile()
	e.engine.Pause(node)
	e.mustReconcile()
	e.expectCondition(infrav1.ContainerProvisionedCondition, metav1.ConditionFalse, infrav1.ContainerNotProvisionedReason, "docker unpause "+node)
	e.engine.Unpause(node)
	e.mustReconcile()
	e.expectCondition(infrav1.ContainerProvisionedCondition, metav1.ConditionTrue, infrav1.ContainerProvisionedReason, "")
}

func TestControllerRestartDuringBootstrap(t *testing.T) {
	e := newEnvironment(t)
	e.mustReconcile()
	for range 3 {
		e.restart()
		e.mustReconcile()
		e.expectCondition(infrav1.BootstrapCompletedCondition, metav1.ConditionFalse, infrav1.BootstrapNotCompletedReason, "")
	}
	e.finish(node, success)
	e.awaitJob()
	e.mustReconcile()
	e.expectCondition(clusterv1.ReadyCondition, metav1.ConditionTrue, clusterv1.ReadyReason, "")
	e.Expect(e.engine.Calls()).To(ContainElement("Start " + node))
	starts := slices.DeleteFunc(e.engine.Calls(), func(call string) bool { return call != "Start "+node })
	e.Expect(starts).To(HaveLen(1), "nothing is done twice")
}

// A call whose answer is lost took effect; the next reconcile must go on from there.
func TestLostAnswers(t *testing.T) {
	for _, method := range []string{"EnsureNetwork", "Create", "CopyTo", "Start"} {
		t.Run(method, func(t *testing.T) {
			e := newEnvironment(t)
			lost := false
			e.engine.AfterCall = func(_ context.Context, called, _ string) error {
				if called == method && !lost {
					lost = true
					return errors.New("connection reset")
				}
				return nil
			}
			_, err := e.reconcile()
			e.Expect(err).To(MatchError("connection reset"))
			e.expectCondition(infrav1.ContainerProvisionedCondition, metav1.ConditionFalse, infrav1.ContainerNotProvisionedReason, "connection reset")
			e.restart()
			e.mustReconcile()
			e.expectCondition(infrav1.ContainerProvisionedCondition, metav1.ConditionTrue, infrav1.ContainerProvisionedReason, "")
		})
	}
}

func TestBootstrapFails(t *testing.T) {
	e := newEnvironment(t)
	e.mustReconcile()
	e.finish(node, "exit=2\ncommand=kubeadm init --config /run/kubeadm/kubeadm.yaml\n\n[preflight] port 6443 is in use\ntoken abcdef.0123456789abcdef\n")
	e.awaitJob()
	e.mustReconcile()
	e.expectCondition(infrav1.BootstrapCompletedCondition, metav1.ConditionFalse, infrav1.BootstrapFailedReason,
		"\"kubeadm init --config /run/kubeadm/kubeadm.yaml\" failed with exit code 2:\n[preflight] port 6443 is in use\ntoken <redacted>")
	e.expectCondition(clusterv1.ReadyCondition, metav1.ConditionFalse, infrav1.BootstrapFailedReason, "port 6443 is in use")
}

func TestBootstrapTimeout(t *testing.T) {
	e := newEnvironment(t, func(o *objects) {
		o.dockerMachine.Spec.BootstrapTimeout = &metav1.Duration{Duration: time.Nanosecond}
	})
	e.mustReconcile()
	e.engine.WriteFile(node, "/usr/local/lib/terraform-capi/log", []byte("[kubelet-check] not healthy\n"))
	result := e.mustReconcile()
	e.expectCondition(infrav1.BootstrapCompletedCondition, metav1.ConditionFalse, infrav1.BootstrapTimedOutReason, "[kubelet-check] not healthy")
	e.Expect(result.RequeueAfter).To(BeNumerically(">", 0))

	e.finish(node, success)
	e.mustReconcile()
	e.expectCondition(infrav1.BootstrapCompletedCondition, metav1.ConditionTrue, infrav1.BootstrapCompletedReason, "")
}

func TestTimeoutIsLookedAtAgain(t *testing.T) {
	e := newEnvironment(t)
	e.Expect(e.mustReconcile().RequeueAfter).To(BeNumerically("~", 5*time.Minute, time.Minute))
}

func TestContainerStops(t *testing.T) {
	e := newEnvironment(t)
	e.mustReconcile()
	addresses := e.dockerMachine().Status.Addresses
	e.engine.Stop(node)
	e.mustReconcile()
	found, err := e.engine.Inspect(ctx, node)
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(found.Running()).To(BeTrue())
	copies := slices.DeleteFunc(e.engine.Calls(), func(call string) bool { return call != "CopyTo "+node })
	e.Expect(copies).To(HaveLen(1), "the data of a node that has started are its own")
	e.Expect(e.dockerMachine().Status.Addresses).To(Equal(addresses), "etcd's members know each other by address")
}

// The guide's common mistake "Deleting Docker containers manually".
func TestContainerVanishes(t *testing.T) {
	e := newEnvironment(t)
	e.mustReconcile()
	e.finish(node, success)
	e.mustReconcile()
	e.engine.Vanish(node)
	e.mustReconcile()
	e.expectCondition(infrav1.ContainerProvisionedCondition, metav1.ConditionFalse, infrav1.ContainerMissingReason, "delete the Machine")
	e.expectCondition(clusterv1.ReadyCondition, metav1.ConditionFalse, infrav1.ContainerMissingReason, "was removed")
	_, err := e.engine.Inspect(ctx, node)
	e.Expect(err).To(MatchError(container.ErrNotFound), "a node without its data is not the node")
}

func TestEngineUnavailable(t *testing.T) {
	e := newEnvironment(t)
	e.engine.BeforeCall = func(context.Context, string, string) error { return container.ErrUnavailable }
	_, err := e.reconcile()
	e.Expect(err).To(MatchError(container.ErrUnavailable))
	for _, condition := range []string{infrav1.ContainerProvisionedCondition, infrav1.BootstrapCompletedCondition, clusterv1.ReadyCondition} {
		e.expectCondition(condition, metav1.ConditionUnknown, infrav1.ContainerEngineUnavailableReason, "does not answer")
	}

	e.engine.BeforeCall = nil
	e.mustReconcile()
	e.finish(node, success)
	e.awaitJob()
	e.mustReconcile()
	e.engine.BeforeCall = func(context.Context, string, string) error { return container.ErrUnavailable }
	_, err = e.reconcile()
	e.Expect(err).To(MatchError(container.ErrUnavailable))
	e.expectCondition(infrav1.BootstrapCompletedCondition, metav1.ConditionTrue, infrav1.BootstrapCompletedReason, "")
	e.expectCondition(clusterv1.ReadyCondition, metav1.ConditionUnknown, infrav1.ContainerEngineUnavailableReason, "does not answer")
	e.Expect(e.client.Delete(ctx, e.object().TranslateBack())).To(Succeed())
	_, err = e.reconcile()
	e.Expect(err).To(MatchError(container.ErrUnavailable))
	e.expectCondition(infrav1.ContainerProvisionedCondition, metav1.ConditionUnknown, infrav1.ContainerEngineUnavailableReason, "does not answer")
}

// A reconcile that runs out of time in a call still says what it has found out.
func TestDeadline(t *testing.T) {
	e := newEnvironment(t)
	e.engine.BeforeCall = func(ctx context.Context, method, _ string) error {
		if method != "Start" {
			return nil
		}
		<-ctx.Done()
		return ctx.Err()
	}
	limited, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_, err := e.reconciler.Reconcile(limited, ctrl.Request{NamespacedName: client.ObjectKey{Namespace: "default", Name: "dm-1"}})
	e.Expect(err).To(MatchError(context.DeadlineExceeded))
	e.expectCondition(infrav1.ContainerProvisionedCondition, metav1.ConditionFalse, infrav1.ContainerNotProvisionedReason, "deadline exceeded")
}

func TestDelete(t *testing.T) {
	forEachVariant(t, deleteMachine)
}

func deleteMachine(e *environment) {
	e.mustReconcile()
	e.Expect(e.engine.Create(ctx, container.Spec{Name: "other", Image: testImage, Labels: map[string]string{
		identity.NamespaceLabel: "default", identity.MachineLabel: "dm-1", identity.ObjectUIDLabel: "another",
	}})).To(Succeed())
	e.Expect(e.client.Delete(ctx, e.object().TranslateBack())).To(Succeed())

	e.engine.BeforeCall = func(_ context.Context, method, _ string) error {
		if method == "Remove" {
			return errors.New("device is busy")
		}
		return nil
	}
	_, err := e.reconcile()
	e.Expect(err).To(MatchError("device is busy"))
	e.expectCondition(infrav1.ContainerProvisionedCondition, metav1.ConditionFalse, infrav1.ContainerDeletingReason, "device is busy")

	e.engine.BeforeCall = nil
	e.mustReconcile()
	left, err := e.engine.List(ctx, nil)
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(left).To(HaveExactElements(HaveField("Name", "other")), "what is not ours stays")
	_, err = e.variant.Get(ctx, e.client, client.ObjectKey{Namespace: "default", Name: "dm-1"})
	e.Expect(apierrors.IsNotFound(err)).To(BeTrue(), "the finalizer is gone, and the object with it")
	e.mustReconcile()
}

// When a whole namespace is deleted, the machine's owners may be gone first.
// The network may be removed while the manager is down. Nodes come back with their own addresses, the running as well as the
// stopped.
func TestNetworkRemoved(t *testing.T) {
	for name, stop := range map[string]bool{"running": false, "stopped": true} {
		t.Run(name, func(t *testing.T) {
			e := newEnvironment(t)
			e.mustReconcile()
			before, err := e.engine.Inspect(ctx, node)
			e.Expect(err).NotTo(HaveOccurred())
			addresses := e.dockerMachine().Status.Addresses
			if stop {
				e.engine.Stop(node)
			}
			e.engine.RemoveNetwork("clusters")
			e.restart()
			e.mustReconcile()
			after, err := e.engine.Inspect(ctx, node)
			e.Expect(err).NotTo(HaveOccurred())
			e.Expect(after.IPv4).To(And(Equal(before.IPv4), Equal(before.AssignedIPv4)))
			e.Expect(after.Connected()).To(BeTrue())
			e.Expect(e.dockerMachine().Status.Addresses).To(Equal(addresses))
		})
	}
}

// A volume that cannot be removed keeps no machine. It is removed once it can be.
func TestDeleteWithStuckVolumes(t *testing.T) {
	e := newEnvironment(t, withImages("example.com/a:1"))
	e.await(e.areImagesReady)
	e.engine.Vanish(node) // As with "docker rm" without -v.
	e.Expect(e.client.Delete(ctx, e.dockerMachine())).To(Succeed())
	stuck := true
	e.engine.BeforeCall = func(_ context.Context, method, _ string) error {
		if method == "RemoveUnusedVolumes" && stuck {
			return errors.New("volume is in use")
		}
		return nil
	}
	e.mustReconcile()
	err := e.client.Get(ctx, client.ObjectKey{Namespace: "default", Name: "dm-1"}, &infrav1.DockerMachine{})
	e.Expect(apierrors.IsNotFound(err)).To(BeTrue(), "%v", err)

	volumes := e.reconciler.Volumes
	e.Expect(volumes.sweep(ctx)).To(MatchError(ContainSubstring("volume is in use")))
	e.Expect(e.engine.UnusedVolumes(ctx, identity.ManagementUIDLabel)).To(HaveLen(1), "the one of /var")
	e.Expect(e.engine.Volumes()).To(HaveLen(1), "the one of the image")
	stuck = false
	e.Expect(volumes.sweep(ctx)).To(Succeed())
	e.Expect(e.engine.UnusedVolumes(ctx, identity.ManagementUIDLabel)).To(BeEmpty())
	e.Expect(e.engine.Volumes()).To(BeEmpty())
}

// A deletion wakes what removes volumes, which ends with the manager.
func TestVolumesAreRemovedAside(t *testing.T) {
	e := newEnvironment(t)
	volumes := e.reconciler.Volumes
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error)
	go func() { ended <- volumes.Start(ctx) }()
	e.mustReconcile()
	e.engine.Vanish(node)
	e.Expect(e.engine.UnusedVolumes(ctx, identity.ManagementUIDLabel)).To(HaveLen(1))
	e.Expect(e.client.Delete(ctx, e.dockerMachine())).To(Succeed())
	e.mustReconcile()
	e.Eventually(func() ([]string, error) { return e.engine.UnusedVolumes(ctx, identity.ManagementUIDLabel) }).Should(BeEmpty())
	cancel()
	e.Eventually(ended).Should(Receive(BeNil()))
}

func TestDeleteWithoutOwners(t *testing.T) {
	e := newEnvironment(t)
	e.mustReconcile()
	update(e, &infrav1.DockerMachine{}, "dm-1", func(m *infrav1.DockerMachine) { m.OwnerReferences = nil })
	e.Expect(e.client.Delete(ctx, &clusterv1.Cluster{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "test"}})).To(Succeed())
	e.Expect(e.client.Delete(ctx, e.dockerMachine())).To(Succeed())
	e.mustReconcile()
	left, err := e.engine.List(ctx, nil)
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(left).To(BeEmpty())
}
