// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/util/conditions"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// secretConfig has a secret in each place that may hold one, and a command that prints all of them.
const secretConfig = `#cloud-config
write_files:
- path: /etc/credentials
  content: |
    machine example.com login bob password canary-file-1
- path: /etc/encoded
  encoding: base64
  content: Y2FuYXJ5LWVuY29kZWQtMg==
- path: /run/kubeadm/kubeadm-join-config.yaml
  content: |
    kind: JoinConfiguration
    apiVersion: kubeadm.k8s.io/v1beta4
    discovery: {bootstrapToken: {token: canary-token-3}}
users:
- name: alice
  passwd: canary-password-4
runcmd:
- PASSWORD=canary-variable-5 join.sh --token canary-option-6 https://bob:canary-url-7@example.com
`

const secretLog = `canary-file-1 canary-encoded-2 canary-token-3
canary-password-4 canary-variable-5 canary-option-6
curl: (7) Failed to connect to https://bob:canary-url-7@example.com
[ERROR Port-10250]: Port 10250 is in use
`

// What a failed bootstrap printed is in the conditions, but for what the bootstrap data have that is secret.
func TestBootstrapFailureHasNoSecrets(t *testing.T) {
	newMachine := func() *environment {
		e := newEnvironment(t, func(o *objects) { o.secret.Data["value"] = []byte(secretConfig) })
		e.mustReconcile()
		e.finish(node, "exit=2\ncommand=PASSWORD=canary-variable-5 join.sh\n\n"+secretLog)
		e.awaitJob()
		return e
	}
	e := newMachine()
	e.mustReconcile()
	e.expectCondition(infrav1.BootstrapCompletedCondition, metav1.ConditionFalse, infrav1.BootstrapFailedReason,
		"command \"PASSWORD=<redacted> join.sh\" failed with exit code 2:\n<redacted> <redacted> <redacted>\n<redacted> <redacted> <redacted>\n"+
			"curl: (7) Failed to connect to https://<redacted>@example.com\n[ERROR Port-10250]: Port 10250 is in use")
	e.expectNoCanary()

	// What is secret is not known without the bootstrap data.
	for name, forget := range map[string]func(*environment){
		"deleted": func(e *environment) { e.Expect(e.client.Delete(ctx, newObjects().secret)).To(Succeed()) },
		"not named": func(e *environment) {
			update(e, newObjects().machine, "cp-1", func(m *clusterv1.Machine) { m.Spec.Bootstrap.DataSecretName = nil })
		},
	} {
		t.Run(name, func(*testing.T) {
			e := newMachine()
			forget(e)
			e.mustReconcile()
			e.expectCondition(infrav1.BootstrapCompletedCondition, metav1.ConditionFalse, infrav1.BootstrapFailedReason,
				"failed with exit code 2; what it wrote is in /usr/local/lib/terraform-capi/log of container "+node)
			e.expectNoCanary()
		})
	}
}

func TestBootstrapTimeoutHasNoSecrets(t *testing.T) {
	e := newEnvironment(t, func(o *objects) {
		o.secret.Data["value"] = []byte(secretConfig)
		o.dockerMachine.Spec.BootstrapTimeout = ptr.To(metav1.Duration{Duration: 1})
	})
	e.mustReconcile()
	e.engine.WriteFile(node, "/usr/local/lib/terraform-capi/log", []byte(secretLog))
	e.mustReconcile()
	e.expectCondition(infrav1.BootstrapCompletedCondition, metav1.ConditionFalse, infrav1.BootstrapTimedOutReason,
		"[ERROR Port-10250]: Port 10250 is in use")
	e.expectNoCanary()
	e.Expect(e.client.Delete(ctx, newObjects().secret)).To(Succeed())
	e.mustReconcile()
	e.expectCondition(infrav1.BootstrapCompletedCondition, metav1.ConditionFalse, infrav1.BootstrapTimedOutReason, "what it has written is in")
	e.expectNoCanary()
}

// Engines quote the URLs that they use, with the credentials in them.
func TestEngineErrorsHaveNoSecrets(t *testing.T) {
	e := newEnvironment(t, func(o *objects) {
		o.dockerMachine.Spec.CustomImage = "example.com/node:1"
		// Admission refuses it; a kind that others serve may have it all the same.
		o.dockerMachine.Spec.ImagePull.Mirrors = []infrav1.RegistryMirror{{Registry: "example.com", Mirror: "bob:canary-mirror@mirror.example.com"}}
	})
	e.engine.OnPull = func(string, *container.Credentials) error {
		return errors.New("Get \"https://bob:canary-proxy@proxy.example.com/v2/\": EOF")
	}
	e.mustReconcile()
	e.expectMessageWithoutCanary("Pulling image example.com/node:1")
	e.awaitJob()
	_, err := e.reconcile()
	e.Expect(err).To(MatchError(ContainSubstring("https://<redacted>@proxy.example.com/v2/")))
	e.Expect(err).NotTo(MatchError(ContainSubstring("canary")))
	e.expectMessageWithoutCanary("https://<redacted>@proxy.example.com/v2/")
}

// expectMessageWithoutCanary looks at what is said of the container.
func (e *environment) expectMessageWithoutCanary(text string) {
	e.t.Helper()
	condition := conditions.Get(e.dockerMachine(), infrav1.ContainerProvisionedCondition)
	e.Expect(condition.Message).To(And(ContainSubstring(text), Not(ContainSubstring("canary"))))
}

// expectNoCanary looks for canaries in what people see of the machine.
func (e *environment) expectNoCanary() {
	e.t.Helper()
	object, err := json.Marshal(e.object().TranslateBack())
	e.Expect(err).NotTo(HaveOccurred())
	containers, err := e.engine.List(ctx, nil)
	e.Expect(err).NotTo(HaveOccurred())
	events := &corev1.EventList{}
	e.Expect(e.client.List(ctx, events)).To(Succeed())
	e.Expect(fmt.Sprintf("%s %+v %+v", object, containers, events.Items)).NotTo(ContainSubstring("canary"))
}
