// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"net"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/cluster/clustertest"
	"github.com/terraform-capi/terraform-provider-capi/internal/live/livetest"
	"github.com/terraform-capi/terraform-provider-capi/internal/tfkit"
)

// Only who has a certificate of the recorded authority proves that a cluster lives.
func TestAnswers(t *testing.T) {
	own, another := clustertest.NewAuthority(t), clustertest.NewAuthority(t)
	address, _ := own.Serve(t)
	stopped, stop := own.Serve(t)
	stop()
	foreign, _ := another.Serve(t)
	for name, test := range map[string]struct {
		endpoint, ca string
		want         bool
	}{
		"the cluster":                   {address, own.PEM, true},
		"another one at its address":    {foreign, own.PEM, false},
		"one whose authority is kept":   {address, another.PEM, false},
		"nobody":                        {stopped, own.PEM, false},
		"somebody who does not do TLS":  {plainText(t), own.PEM, false},
		"an authority was not recorded": {address, "", false},
		"no certificate was recorded":   {address, "not a certificate", false},
		"no endpoint was recorded":      {"", own.PEM, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := (&record{Endpoint: test.endpoint, CA: test.ca}).answers(t.Context()); got != test.want {
				t.Errorf("answers: %t", got)
			}
		})
	}
}

// plainText is the address of a server that accepts connections and says nothing.
func plainText(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			time.AfterFunc(100*time.Millisecond, func() { _ = conn.Close() })
		}
	}()
	return listener.Addr().String()
}

// A Cluster object of another UID stands for the cluster of the record only with the
// same endpoint and authority.
func TestRecordIsOf(t *testing.T) {
	own, another := clustertest.NewAuthority(t), clustertest.NewAuthority(t)
	endpoint := clusterv1.APIEndpoint{Host: "web-lb", Port: 6443}
	whole := record{Record: tfkit.Record{UID: "recorded"}, Endpoint: endpoint.String(), CA: own.PEM}
	without := func(change func(*record)) record {
		r := whole
		change(&r)
		return r
	}
	for name, test := range map[string]struct {
		record   record
		uid      types.UID
		endpoint clusterv1.APIEndpoint
		ca       string
		want     bool
	}{
		"the same object":                {whole, "recorded", clusterv1.APIEndpoint{}, "", true},
		"being imported":                 {record{}, "1", clusterv1.APIEndpoint{}, "", true},
		"moved":                          {whole, "1", endpoint, own.PEM, true},
		"another endpoint":               {whole, "1", clusterv1.APIEndpoint{Host: "web-lb", Port: 6444}, own.PEM, false},
		"no endpoint":                    {whole, "1", clusterv1.APIEndpoint{}, own.PEM, false},
		"another authority":              {whole, "1", endpoint, another.PEM, false},
		"no authority":                   {whole, "1", endpoint, "", false},
		"an authority was not recorded":  {without(func(r *record) { r.CA = "" }), "1", endpoint, "", false},
		"an endpoint was never recorded": {without(func(r *record) { r.Endpoint = "" }), "1", clusterv1.APIEndpoint{}, own.PEM, false},
	} {
		t.Run(name, func(t *testing.T) {
			objects := map[string]client.Object{}
			if test.ca != "" {
				objects["CA"] = &corev1.Secret{
					ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web-ca"},
					Data:       map[string][]byte{"tls.crt": []byte(test.ca)},
				}
			}
			cluster := &clusterv1.Cluster{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: test.uid}}
			cluster.Spec.ControlPlaneEndpoint = test.endpoint
			if got := test.record.isOf(t.Context(), livetest.Management(objects), cluster); got != test.want {
				t.Errorf("isOf: %t", got)
			}
		})
	}
}
