// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package classes

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/terraform-capi/terraform-provider-capi/internal/live/livetest"
	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
)

// A class that was read serves the other clusters of the plan for a while, and no plan after it. An error is no answer.
func TestLiveExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		class := &clusterv1.ClusterClass{ObjectMeta: metav1.ObjectMeta{Namespace: classKey.Namespace, Name: classKey.Name, Labels: map[string]string{"a": "first"}}}
		watching, _ := livetest.Management(map[string]client.Object{"class": class}).Client.(client.WithWatch)
		failure := errors.New("no route to host")
		mgmt := &management.Cluster{Client: interceptor.NewClient(watching, interceptor.Funcs{
			Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
				if failure != nil {
					return failure
				}
				return c.Get(ctx, key, obj, opts...)
			},
		})}
		s := session.New(nil)
		label := func() string {
			t.Helper()
			found, err := Live(t.Context(), s, mgmt, classKey)
			g.Expect(err).NotTo(HaveOccurred())
			return found.Class.Labels["a"]
		}

		_, err := Live(t.Context(), s, mgmt, classKey)
		g.Expect(err).To(MatchError(failure))
		failure = nil
		g.Expect(label()).To(Equal("first"), "right after the error")

		class.Labels["a"] = "second"
		g.Expect(watching.Update(t.Context(), class)).To(Succeed())
		<-time.After(liveFor)
		g.Expect(label()).To(Equal("first"), "while it is fresh")
		<-time.After(time.Nanosecond)
		g.Expect(label()).To(Equal("second"), "when it has expired")

		g.Expect(watching.Delete(t.Context(), class)).To(Succeed())
		<-time.After(liveFor + time.Nanosecond)
		_, err = Live(t.Context(), s, mgmt, classKey)
		g.Expect(apierrors.IsNotFound(err)).To(BeTrue())
	})
}
