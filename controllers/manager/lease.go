// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// podLock is a leader election's Lease that knows that its holders are pods. A candidate otherwise waits until a lease
// has not been renewed for its whole duration, which is up to a minute, and counts that from when it began to look: a
// manager that is killed again and again would never lead.
type podLock struct {
	resourcelock.Interface
	clients   kubernetes.Interface
	namespace string
	// grace is how long a lease must not have been renewed to be taken from a pod that is gone. The process of a pod
	// that was deleted by force may live for a moment.
	grace time.Duration
}

// newPodLock returns the lock of this process's pod, or nil outside a pod. Its identity is the pod's and not the
// process's: a container that is restarted in its pod leads on at once.
func newPodLock(restConfig *rest.Config, name string, retryPeriod time.Duration) (resourcelock.Interface, error) {
	namespace, pod, uid := os.Getenv("POD_NAMESPACE"), os.Getenv("POD_NAME"), os.Getenv("POD_UID")
	if pod == "" || uid == "" {
		return nil, nil //nolint:nilnil // No lock is an answer: the manager makes its own.
	}
	clients, err := kubernetes.NewForConfig(rest.AddUserAgent(restConfig, "leader-election"))
	if err != nil {
		return nil, fmt.Errorf("creating the client for leader election: %w", err)
	}
	lock, err := resourcelock.New(resourcelock.LeasesResourceLock, namespace, name,
		clients.CoreV1(), clients.CoordinationV1(), resourcelock.ResourceLockConfig{Identity: pod + "_" + uid})
	if err != nil {
		return nil, fmt.Errorf("creating the lock for leader election: %w", err)
	}
	return &podLock{Interface: lock, clients: clients, namespace: namespace, grace: 2 * retryPeriod}, nil
}

// Get implements resourcelock.Interface. A lease whose holder is gone is one that nobody holds.
func (l *podLock) Get(ctx context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	record, raw, err := l.Interface.Get(ctx)
	if err != nil || record.HolderIdentity == "" || record.HolderIdentity == l.Identity() || time.Since(record.RenewTime.Time) < l.grace {
		return record, raw, err
	}
	// Identities of upstream's managers start with the name of their pod, too.
	holder, _, _ := strings.Cut(record.HolderIdentity, "_")
	if _, err := l.clients.CoreV1().Pods(l.namespace).Get(ctx, holder, metav1.GetOptions{}); apierrors.IsNotFound(err) {
		record.HolderIdentity = ""
	}
	return record, raw, nil
}
