// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sigs.k8s.io/cluster-api/util/conditions"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
)

// TestAccSecrets has a node print everything that its bootstrap data have that is secret, and looks for it where people
// and other programs may.
func TestAccSecrets(t *testing.T) {
	config := strings.Replace(secretConfig, "PASSWORD=canary-variable-5 join.sh --token canary-option-6 https://bob:canary-url-7@example.com",
		"export PASSWORD=canary-variable-5; cat /etc/credentials /etc/encoded /run/kubeadm/kubeadm-join-config.yaml; grep alice /etc/shadow; "+
			"echo -u bob:canary-user-8; echo canary-user-8 for https://bob:canary-url-7@example.com; echo $PASSWORD; false --token canary-option-6", 1)
	config = strings.Replace(config, "passwd: canary-password-4", "passwd: $6$saltsalt$canarypassword4", 1)
	e := newDockerEnvironment(t, config)
	e.loop(func() bool {
		condition := conditions.Get(e.dockerMachine(), infrav1.BootstrapCompletedCondition)
		return condition != nil && condition.Reason == infrav1.BootstrapFailedReason
	})
	e.expectCondition(infrav1.BootstrapCompletedCondition, metav1.ConditionFalse, infrav1.BootstrapFailedReason, "command \"export PASSWORD=<redacted>; cat /etc/credentials")
	e.expectCondition(infrav1.BootstrapCompletedCondition, metav1.ConditionFalse, infrav1.BootstrapFailedReason, "https://<redacted>@example.com")
	e.Expect(e.run("cat", "/usr/local/lib/terraform-capi/log")).To(ContainSubstring("canary-file-1"), "it was printed")

	object, err := json.Marshal(e.object().TranslateBack())
	e.Expect(err).NotTo(HaveOccurred())
	places := map[string]string{"the DockerMachine": string(object)}
	for _, args := range [][]string{{"inspect", e.name}, {"logs", e.name}, {"top", e.name}, {"ps", "--no-trunc"}} {
		// Not the client of this project, which may leave something out.
		out, err := exec.CommandContext(ctx, "docker", args...).CombinedOutput()
		e.Expect(err).NotTo(HaveOccurred(), string(out))
		places["docker "+args[0]] = string(out)
	}
	for place, text := range places {
		e.Expect(text).NotTo(ContainSubstring("canary"), place)
	}
	// In the node, its folder is root's alone.
	e.Expect(e.run("find", "/usr/local/lib/terraform-capi", "-type", "f", "-perm", "/077", "-exec", "grep", "-l", "canary", "{}", "+")).To(BeEmpty())
}
