// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/util/conditions"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/loadbalancer"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// TestAccControlPlane makes a control plane node with kubeadm behind a load balancer, with the network plug-in of
// the node image, restarts it while the commands after kubeadm run, and looks at it from the Docker host.
func TestAccControlPlane(t *testing.T) {
	cluster := fmt.Sprintf("acc%d", time.Now().UnixNano()%1_000_000)
	host := cluster + "-lb"
	e := newDockerEnvironment(t, kubeadmInit(host))
	update(e.environment, &clusterv1.Cluster{}, "test", func(c *clusterv1.Cluster) {
		c.Annotations = map[string]string{infrav1.CNIAnnotation: infrav1.CNINodeImage}
	})
	update(e.environment, &infrav1.DockerCluster{}, "test", func(c *infrav1.DockerCluster) {
		c.Spec.ControlPlaneEndpoint.Host = host
	})
	lb := &loadbalancer.LoadBalancer{
		Engine: e.docker, Name: host, Network: testNetwork(e.docker), Image: loadbalancer.Image(infrav1.ImageMeta{}),
		Owner: identity.Owner{Namespace: "default", Cluster: cluster, ObjectUID: "x", Role: identity.RoleLoadBalancer},
	}
	t.Cleanup(func() { e.Expect(e.docker.Remove(ctx, host)).To(Succeed()) })
	endpoint, err := lb.Ensure(ctx, loadbalancer.Config{Port: 6443})
	e.Expect(err).NotTo(HaveOccurred())

	started := time.Now()
	e.loop(func() bool { return e.dockerMachine().Spec.ProviderID != "" })
	again, err := lb.Ensure(ctx, loadbalancer.Config{Port: 6443, Servers: []string{e.name}})
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(again).To(Equal(endpoint))

	// The node goes down when kubeadm has succeeded and a command after it runs. What etcd has by then is kept.
	e.loop(func() bool { return e.run("cat", "/attempts") == "x\n" })
	uid := e.kubectl("get", "namespace", "kube-system", "--output=jsonpath={.metadata.uid}")
	e.Expect(uid).To(HaveLen(36))
	e.Expect(e.docker.Kill(ctx, e.name, "KILL")).To(Succeed())
	e.loop(func() bool {
		condition := conditions.Get(e.dockerMachine(), infrav1.BootstrapCompletedCondition)
		return condition.Status == metav1.ConditionTrue || condition.Reason == infrav1.BootstrapFailedReason
	})
	condition := conditions.Get(e.dockerMachine(), infrav1.BootstrapCompletedCondition)
	e.Expect(condition.Reason).To(Equal(infrav1.BootstrapCompletedReason), condition.Message)
	t.Logf("Bootstrap completed after %s.", time.Since(started).Round(time.Millisecond))

	e.Eventually(func() string { return e.kubectl("get", "nodes", "--no-headers") }).
		WithTimeout(time.Minute).WithPolling(500 * time.Millisecond).Should(MatchRegexp(`\sReady\s`))
	t.Logf("Node Ready after %s.", time.Since(started).Round(time.Millisecond))
	e.Expect(e.kubectl("get", "namespace", "kube-system", "--output=jsonpath={.metadata.uid}")).To(Equal(uid))
	e.Expect(e.kubectl("get", "nodes", "--output=jsonpath={.items[0].spec.providerID}")).To(Equal("docker:////" + e.name))

	// The certificate is valid for the way from the Docker host, which is what a kubeconfig relies on.
	certificate, err := servedCertificate(endpoint.HostPort)
	e.Expect(err).NotTo(HaveOccurred())
	e.Expect(certificate.VerifyHostname("127.0.0.1")).To(Succeed())
	e.Expect(certificate.VerifyHostname(host)).To(Succeed())

	// From this file nodes that join later get theirs, and kind's entrypoint makes a new one when the node comes
	// back with another address. The API server takes it without a restart.
	e.Expect(e.run("/bin/sh", "-c", "rm /etc/kubernetes/pki/apiserver.*; kubeadm init phase certs apiserver --config /kind/kubeadm.conf")).
		To(ContainSubstring("127.0.0.1"))
	e.Eventually(func() (bool, error) {
		renewed, err := servedCertificate(endpoint.HostPort)
		return err == nil && renewed.SerialNumber.Cmp(certificate.SerialNumber) != 0 && renewed.VerifyHostname("127.0.0.1") == nil, err
	}).WithTimeout(90 * time.Second).WithPolling(time.Second).Should(BeTrue())
	e.Expect(e.run("ls", "/usr/local/lib/terraform-capi")).NotTo(ContainSubstring("files\n"), "keys do not stay around")
}

// servedCertificate is the certificate of the API server as seen from the Docker host.
func servedCertificate(port int) (*x509.Certificate, error) {
	config := &tls.Config{InsecureSkipVerify: true} //nolint:gosec // It is looked at by the caller.
	connection, err := tls.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), config)
	if err != nil {
		return nil, err
	}
	defer func() { _ = connection.Close() }()
	return connection.ConnectionState().PeerCertificates[0], nil
}

func (d *dockerEnvironment) kubectl(args ...string) string {
	return d.run(append([]string{"kubectl", "--kubeconfig=/etc/kubernetes/admin.conf"}, args...)...)
}

func (d *dockerEnvironment) run(command ...string) string {
	var out bytes.Buffer
	_, err := d.docker.Exec(ctx, d.name, container.Exec{Command: command, Stdout: &out, Stderr: &out})
	d.Expect(err).NotTo(HaveOccurred())
	return out.String()
}

// kubeadmInit is what the kubeadm bootstrap provider would write, without certificates: kubeadm makes its own.
func kubeadmInit(host string) string {
	configuration := strings.ReplaceAll(`---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.35.0
controlPlaneEndpoint: HOST:6443
networking: {podSubnet: 10.10.0.0/16, serviceSubnet: 10.20.0.0/16, dnsDomain: cluster.local}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
nodeRegistration: {}
`, "HOST", host)
	return "## template: jinja\n#cloud-config\n\nwrite_files:\n-   path: /run/kubeadm/kubeadm.yaml\n    owner: root:root\n    permissions: '0640'\n    content: |\n      " +
		strings.ReplaceAll(strings.TrimSpace(configuration), "\n", "\n      ") +
		"\n-   path: /run/cluster-api/placeholder\n    content: \"x\"\nruncmd:\n" +
		"  - 'kubeadm init --config /run/kubeadm/kubeadm.yaml  && echo success > /run/cluster-api/bootstrap-success.complete'\n" +
		"  - echo x >>/attempts; test $(wc -l </attempts) = 2 || sleep 1000\n"
}
