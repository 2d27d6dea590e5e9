// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/util/conditions"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/background"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/loadbalancer"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/network"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/variants"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// TestAccBootstrap boots real node containers with bootstrap data that need no Kubernetes, and sees that what it
// asks for is done and reported.
func TestAccBootstrap(t *testing.T) {
	for name, test := range map[string]struct {
		cloudConfig string
		condition   string
		status      metav1.ConditionStatus
		message     string
	}{
		"success": {
			cloudConfig: "#cloud-config\nwrite_files:\n- path: /run/deep/er/file\n  permissions: '0640'\n  owner: daemon:daemon\n  content: hello\n" +
				"- path: /run/deep/er/file\n  permissions: '0640'\n  owner: daemon:daemon\n  append: true\n  content: ' world'\n" +
				"bootcmd:\n- touch /booted\nruncmd:\n- test -e /booted\n- [sh, -c, 'test \"$(cat /run/deep/er/file)\" = \"hello world\"']\n" +
				"- test \"$(stat -c %a:%U /run/deep/er/file)\" = 640:daemon\n- systemctl is-active containerd\n- ctr version\n",
			condition: clusterv1.ReadyCondition, status: metav1.ConditionTrue,
		},
		"failure": {
			cloudConfig: "#cloud-config\nruncmd:\n- 'true'\n- echo this is why; exit 3\n- echo never\n",
			condition:   infrav1.BootstrapCompletedCondition, status: metav1.ConditionFalse,
			message: "command \"echo this is why; exit 3\" failed with exit code 3:",
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := newDockerEnvironment(t, test.cloudConfig)
			started := time.Now()
			e.loop(func() bool {
				condition := conditions.Get(e.dockerMachine(), infrav1.BootstrapCompletedCondition)
				return condition != nil && condition.Reason != infrav1.BootstrapNotCompletedReason
			})
			t.Logf("From nothing to the bootstrap's result: %s.", time.Since(started).Round(time.Millisecond))
			condition := conditions.Get(e.dockerMachine(), test.condition)
			e.Expect(condition).To(HaveField("Status", test.status), condition.Message)
			e.Expect(condition).To(HaveField("Message", ContainSubstring(test.message)))
		})
	}
}

// TestAccNodeRestart restarts a node in the middle of its bootstrap.
func TestAccNodeRestart(t *testing.T) {
	e := newDockerEnvironment(t, "#cloud-config\nwrite_files:\n- path: /run/file\n  content: hello\nruncmd:\n"+
		"- test -e /run/file\n- echo x >>/attempts\n- test $(wc -l </attempts) = 2 || sleep 1000\n")
	e.loop(func() bool {
		code, err := e.docker.Exec(ctx, e.name, container.Exec{Command: []string{"test", "-e", "/attempts"}})
		return err == nil && code == 0
	})
	e.Expect(e.docker.Kill(ctx, e.name, "KILL")).To(Succeed())
	e.loop(func() bool { return conditions.IsTrue(e.dockerMachine(), clusterv1.ReadyCondition) })
}

// TestAccPreLoadedImages boots a node whose bootstrap needs an image that only the Docker host has.
func TestAccPreLoadedImages(t *testing.T) {
	e := newDockerEnvironment(t, "#cloud-config\nruncmd:\n- ctr --namespace=k8s.io images list --quiet | grep docker.io/kindest/haproxy\n")
	update(e.environment, &infrav1.DockerMachine{}, "dm-1", func(m *infrav1.DockerMachine) {
		m.Spec.PreLoadImages = []string{loadbalancer.Image(infrav1.ImageMeta{})}
	})
	e.loop(func() bool { return conditions.IsTrue(e.dockerMachine(), clusterv1.ReadyCondition) })
}

// dockerEnvironment is an environment with a real engine.
type dockerEnvironment struct {
	*environment
	docker *container.Bounded
	name   string
}

func newDockerEnvironment(t *testing.T, cloudConfig string) *dockerEnvironment {
	t.Helper()
	if os.Getenv("TF_ACC") != "1" {
		t.Skip("This test makes containers: set TF_ACC=1 to run it.")
	}
	docker, err := container.NewDocker()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	exists, err := docker.ImageExists(ctx, testImage)
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	if !exists {
		t.Skipf("This test needs image %s, which is not here.", testImage)
	}
	machine := fmt.Sprintf("acc-%d", time.Now().UnixNano()%1_000_000)
	e := newEnvironment(t, func(o *objects) {
		o.secret.Data["value"] = []byte(cloudConfig)
		o.machine.Name = machine
		o.dockerMachine.OwnerReferences[0].Name = machine
	})
	jobs, cancel := context.WithCancel(ctx)
	t.Cleanup(cancel)
	e.reconciler = &Reconciler{
		Variant: variants.DockerMachine, Client: e.client, APIReader: e.client, Engine: docker, Network: testNetwork(docker), Jobs: background.NewJobs(jobs),
		Volumes: NewVolumes(docker), Management: e.reconciler.Management,
	}
	d := &dockerEnvironment{environment: e, docker: docker, name: "test-" + machine}
	t.Cleanup(func() {
		if t.Failed() {
			log, _ := docker.Logs(ctx, d.name, 30)
			t.Logf("Log of container %s:\n%s", d.name, log)
		}
		e.Expect(e.client.Delete(ctx, e.dockerMachine())).To(Succeed())
		e.mustReconcile()
		_, err := docker.Inspect(ctx, d.name)
		e.Expect(err).To(MatchError(container.ErrNotFound))
	})
	return d
}

// loop reconciles as a controller would, until done.
func (d *dockerEnvironment) loop(done func() bool) {
	d.t.Helper()
	deadline := time.After(10 * time.Minute)
	for {
		_, err := d.reconciler.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKey{Namespace: "default", Name: "dm-1"}})
		if err != nil {
			d.t.Logf("Reconcile: %v", err)
		}
		if done() {
			return
		}
		select {
		case <-d.reconciler.Jobs.Events():
		case <-time.After(time.Second):
		case <-deadline:
			d.t.Fatalf("Not done after ten minutes: %+v", d.dockerMachine().Status.Conditions)
		}
	}
}

// testNetwork is the one of all clusters: tests leave no network behind that was not there.
func testNetwork(engine network.Engine) *network.Network {
	return &network.Network{Engine: engine, Name: "terraform-capi"}
}
