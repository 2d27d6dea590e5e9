// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

func TestPodLock(t *testing.T) {
	const grace = time.Minute
	for name, test := range map[string]struct {
		holder  string
		renewed time.Duration
		want    string
	}{
		"a pod that lives":                    {"alive_1", 2 * grace, "alive_1"},
		"a pod that is gone":                  {"gone_1", 2 * grace, ""},
		"a pod that has just gone":            {"gone_1", grace / 2, "gone_1"},
		"a manager of upstream that is gone":  {"gone_0f2c1f0e", 2 * grace, ""},
		"this pod, of which nothing is asked": {"me_1", 2 * grace, "me_1"},
		"nobody":                              {"", 2 * grace, ""},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			clients := fake.NewClientset(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "alive"}})
			inner, err := resourcelock.New(resourcelock.LeasesResourceLock, "ns", "lease", clients.CoreV1(), clients.CoordinationV1(),
				resourcelock.ResourceLockConfig{Identity: "me_1"})
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(inner.Create(t.Context(), resourcelock.LeaderElectionRecord{
				HolderIdentity: test.holder, LeaseDurationSeconds: 600, RenewTime: metav1.NewTime(time.Now().Add(-test.renewed)),
			})).To(Succeed())
			record, _, err := (&podLock{Interface: inner, clients: clients, namespace: "ns", grace: grace}).Get(t.Context())
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(record.HolderIdentity).To(Equal(test.want))
		})
	}
}
