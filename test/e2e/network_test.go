// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/bundle"
)

const (
	serverPort  = 8080
	serverReply = "hello from the other node"
)

// serve is what the server's pod runs.
func serve() error {
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, serverReply) })
	server := &http.Server{Addr: fmt.Sprintf(":%d", serverPort), Handler: handler, ReadHeaderTimeout: time.Minute}
	return server.ListenAndServe()
}

// get is what the client's pod runs. It tries again for a while: the server's endpoint takes a moment to reach the
// client's node.
func get(url string) error {
	var last error
	err := wait.PollUntilContextTimeout(context.Background(), time.Second, 2*time.Minute, true, func(ctx context.Context) (bool, error) {
		last = request(ctx, url)
		return last == nil, nil
	})
	return errors.Join(err, last)
}

func request(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if string(body) != serverReply {
		return fmt.Errorf("%s answered %q", url, body)
	}
	return nil
}

// expectPodsTalk runs a server on one node and a client on another, which finds it by the DNS name of a Service.
func expectPodsTalk(t *testing.T, workload client.Client) {
	t.Helper()
	g := NewWithT(t)
	ctx := t.Context()
	nodes := &corev1.NodeList{}
	g.Expect(workload.List(ctx, nodes)).To(Succeed())
	g.Expect(len(nodes.Items)).To(BeNumerically(">=", 2))
	image := loadIntoNodes(t, nodes)

	server := pod("server", nodes.Items[0].Name, image, "serve")
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, Name: "server"},
		Spec: corev1.ServiceSpec{
			Selector: server.Labels,
			Ports:    []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(serverPort)}},
		},
	}
	peer := pod("client", nodes.Items[1].Name, image, "get", "http://server.default.svc.cluster.local/")
	for _, object := range []client.Object{server, service, peer} {
		g.Expect(workload.Create(ctx, object)).To(Succeed())
	}
	g.Eventually(func(g Gomega) {
		g.Expect(workload.Get(ctx, client.ObjectKeyFromObject(peer), peer)).To(Succeed())
		if peer.Status.Phase == corev1.PodFailed {
			StopTrying(fmt.Sprintf("the client failed: %+v", peer.Status.ContainerStatuses)).Now()
		}
		g.Expect(peer.Status.Phase).To(Equal(corev1.PodSucceeded))
	}).WithTimeout(4 * time.Minute).WithPolling(time.Second).Should(Succeed())
	for _, object := range []client.Object{server, service, peer} {
		g.Expect(workload.Delete(ctx, object)).To(Succeed())
	}
}

func pod(name, node, image string, args ...string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, Name: name, Labels: map[string]string{"app": name}},
		Spec: corev1.PodSpec{
			NodeName:      node,
			RestartPolicy: corev1.RestartPolicyNever,
			Containers: []corev1.Container{{
				Name: name, Image: image, ImagePullPolicy: corev1.PullNever,
				Command: append([]string{"/manager"}, args...),
				// Libraries in the test binary write there as soon as it starts.
				VolumeMounts: []corev1.VolumeMount{{Name: "temporary", MountPath: "/tmp"}},
			}},
			Volumes:     []corev1.Volume{{Name: "temporary", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}},
			Tolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
		},
	}
}

// loadIntoNodes gives the nodes an image without a registry: this test binary.
func loadIntoNodes(t *testing.T, nodes *corev1.NodeList) string {
	t.Helper()
	g := NewWithT(t)
	image, err := bundle.FromExecutable()
	g.Expect(err).NotTo(HaveOccurred())
	for _, node := range nodes.Items {
		reader, writer := io.Pipe()
		go func() { writer.CloseWithError(image.Write(writer)) }()
		load := exec.CommandContext(t.Context(), "docker", "exec", "-i", node.Name, "ctr", "--namespace=k8s.io", "images", "import", "-")
		load.Stdin, load.Stderr = reader, os.Stderr
		g.Expect(load.Run()).To(Succeed())
	}
	return image.Reference
}
