// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"flag"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/internal/acctest"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
)

var (
	runs      = flag.Int("runs", 1, "how often each fault of TestAccFaults is inflicted")
	stallTime = flag.Duration("stall", 10*time.Minute, "for how long TestAccFaults stalls the engine")
)

const (
	// noticeTime is what it may take until something says what is wrong. Users are promised three minutes.
	noticeTime = 10 * time.Minute
	// wellTime is what it may take until all is well: several nodes start at once, and a machine may be replaced.
	wellTime = 20 * time.Minute
)

// fault is something that goes wrong with what the provider depends on.
type fault struct {
	// name says what happened, as in "What it promises".
	name string
	// inflict makes it happen. The returned function undoes it; it is nil if the provider has to.
	inflict func(*ordeal) (undo func())
	// sign is what tells a user what is wrong: a condition in the management cluster. It is nil if nobody has to know.
	sign *regexp.Regexp
	// meanwhile is what happens before the fault is undone.
	meanwhile func(*ordeal)
	// finally is what happens when all is well again.
	finally func(*ordeal)
	// replaces says that it is mended by replacing machines. No other fault may.
	replaces bool
}

// ordeal is one fault that happens to the story's cluster.
type ordeal struct {
	*story
	engine engine
	// mgmt was connected before the fault, which may keep others from connecting.
	mgmt *management.Cluster
	// workers are those of the cluster when all is well.
	workers int
	// began is when the fault did.
	began time.Time
	// restarts is how often the managers had been started again before it.
	restarts int32
	// apply, if one goes on while the fault lasts, is what it prints in the end.
	apply chan string
}

// outcome is what one run of a fault measured.
type outcome struct{ noticed, well time.Duration }

// TestAccFaults does to a cluster with three control plane nodes, and to what it depends on, what happens to machines:
// parts stall, fill up, and get lost. Each time it measures how long it takes until a user can see what is wrong, and
// how long until all is well again without the help of a person.
func TestAccFaults(t *testing.T) {
	e := needEngine(t)
	s := newStory(t, "capi-acc-faults", "faults-acc")
	s.edit(`spec        = { kubeadmConfigSpec`, `spec        = { rollout = { before = { certificatesExpiryDays = 30 } }, kubeadmConfigSpec`)
	t.Cleanup(func() { s.workspace.Terraform("destroy", "-auto-approve", "-refresh=false") })
	s.set(variables{oldVersion, controlPlanes, faultWorkers})
	s.apply("create", clusterAddress)
	s.expect(s.expectNodes(controlPlanes+faultWorkers, oldVersion))

	var table strings.Builder
	for _, f := range []fault{
		engineStalled, quorumLost, nodeOutOfMemory, networkDeleted, diskFull, certificatesEnd, webhookCertificateEnds,
	} {
		var worst outcome
		done := 0
		t.Run(strings.ReplaceAll(f.name, " ", "-"), func(t *testing.T) {
			for range *runs {
				measured := (&ordeal{story: s.in(t), engine: engine{t, e.folder}, workers: faultWorkers}).suffer(f)
				worst.noticed, worst.well = max(worst.noticed, measured.noticed), max(worst.well, measured.well)
				done++
			}
		})
		if done > 0 {
			fmt.Fprintf(&table, "| %s | %s | %s | %d |\n", f.name, worst.noticed, worst.well, done)
		}
	}
	t.Logf("The slowest of all runs:\n| fault | noticed after | all well after | runs |\n|---|---|---|---|\n%s", table.String())
}

const faultWorkers = 1

// in is the story as a subtest tells it.
func (s *story) in(t *testing.T) *story {
	t.Helper()
	told := *s
	told.t, told.workspace = t, s.workspace.In(t)
	return &told
}

// suffer has a fault happen, and returns when all is well again.
func (o *ordeal) suffer(f fault) outcome {
	o.t.Helper()
	g := NewWithT(o.t)
	g.Eventually(func(g Gomega) { o.mgmt = o.management(g) }).WithTimeout(recoveryTime).WithPolling(time.Second).Should(Succeed())
	o.expect(o.remember)
	o.expectWell(o.machines.Len())
	before := o.clusterAddresses()
	o.restarts = o.managerRestarts()
	o.began = time.Now()
	undo := f.inflict(o)
	if undo != nil {
		// Also if the test fails, since others follow.
		undo = once(undo)
		defer undo()
	}
	noticed := time.Duration(0)
	if f.sign != nil {
		noticed = o.expectSign(f.sign)
	}
	if f.meanwhile != nil {
		f.meanwhile(o)
	}
	recovering := o.began
	if undo != nil {
		recovering = time.Now()
		undo()
	}
	o.expectWell(controlPlanes + o.workers)
	well := time.Since(recovering).Round(time.Second)
	o.t.Logf("%s: noticed after %s, all well %s later than it was over; managers restarted %d times", f.name, noticed, well, o.managerRestarts()-o.restarts)

	if f.finally != nil {
		f.finally(o)
	}
	o.workspace.NeedEmptyPlan()
	if !f.replaces {
		o.expect(o.expectSameMachines)
		for name, address := range before {
			g.Expect(o.clusterAddresses()).To(HaveKeyWithValue(name, address), "an address has changed")
		}
	}
	o.expect(o.expectOldKubeconfigWorks(controlPlanes+o.workers, oldVersion))
	return outcome{noticed, well}
}

func once(do func()) func() {
	done := false
	return func() {
		if !done {
			done = true
			do()
		}
	}
}

// expectSign waits until a user can see what is wrong, and returns how long that took since the fault began.
func (o *ordeal) expectSign(sign *regexp.Regexp) time.Duration {
	o.t.Helper()
	seen := ""
	NewWithT(o.t).Eventually(func(g Gomega) {
		found, err := signs(o.t.Context(), o.mgmt.Client)
		g.Expect(err).NotTo(HaveOccurred())
		for _, one := range found {
			if sign.MatchString(one) {
				seen = one
				return
			}
		}
		g.Expect(found).To(ContainElement(MatchRegexp(sign.String())))
	}).WithTimeout(noticeTime).WithPolling(time.Second).Should(Succeed())
	after := time.Since(o.began).Round(time.Second)
	o.t.Logf("Noticed after %s: %s", after, seen)
	return after
}

// expectWell waits until every condition says that all is well, and every node is ready.
func (o *ordeal) expectWell(nodes int) {
	o.t.Helper()
	NewWithT(o.t).Eventually(func(g Gomega) {
		found, err := signs(o.t.Context(), o.mgmt.Client)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(found).To(BeEmpty())
		workload, err := connect(o.kubeconfig)
		g.Expect(err).NotTo(HaveOccurred())
		o.expectNodes(nodes, oldVersion)(g, workload)
	}).WithTimeout(wellTime).WithPolling(time.Second).Should(Succeed())
}

// plan is what Terraform prints while the fault lasts, in one line. It ends in good time, whatever does not answer.
func (o *ordeal) plan() string {
	o.t.Helper()
	started := time.Now()
	out, code := o.workspace.Try("plan", "-lock=false")
	took := time.Since(started).Round(time.Second)
	o.t.Logf("terraform plan ended with %d after %s:\n%s", code, took, out)
	NewWithT(o.t).Expect(took).To(BeNumerically("<", noticeTime), "terraform plan hung")
	return strings.Join(strings.Fields(out), " ")
}

// clusterAddresses are those of the cluster's containers on their networks.
func (o *ordeal) clusterAddresses() map[string]string {
	o.t.Helper()
	args := []string{"inspect", "--format", "{{.Name}}{{range .NetworkSettings.Networks}} {{.IPAddress}}{{end}}"}
	found := map[string]string{}
	for line := range strings.Lines(acctest.Docker(o.t, append(args, o.containersOf(identity.RoleControlPlane, identity.RoleWorker, identity.RoleLoadBalancer)...)...)) {
		name, address, _ := strings.Cut(strings.TrimSpace(line), " ")
		found[name] = address
	}
	return found
}

// containersOf are the names of the cluster's containers that have one of the roles.
func (o *ordeal) containersOf(roles ...string) (names []string) {
	o.t.Helper()
	for _, role := range roles {
		names = append(names, strings.Fields(acctest.Docker(o.t, "ps", "--all", "--filter", "label="+identity.ClusterLabel+"="+o.clusterName,
			"--filter", "label="+identity.RoleLabel+"="+role, "--format", "{{.Names}}"))...)
	}
	NewWithT(o.t).Expect(names).NotTo(BeEmpty())
	return names
}

// managerRestarts is how often kubelet has started a manager again.
func (o *ordeal) managerRestarts() (count int32) {
	o.t.Helper()
	pods := &corev1.PodList{}
	NewWithT(o.t).Expect(o.mgmt.List(o.t.Context(), pods, client.HasLabels{clusterv1.ProviderNameLabel})).To(Succeed())
	for _, pod := range pods.Items {
		for _, container := range pod.Status.ContainerStatuses {
			count += container.RestartCount
		}
	}
	return count
}
