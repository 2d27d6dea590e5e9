// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/failure"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/images"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/loadbalancer"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/variants"
)

const (
	// retryInterval is when to look again at what only people can change.
	retryInterval = 30 * time.Second

	defaultPort = 6443
)

// reconcileNormal makes the load balancer run and publishes its endpoint.
func (r *Reconciler) reconcileNormal(ctx context.Context, s *scope) (ctrl.Result, error) {
	lb := r.loadBalancer(s)
	image, err := r.ensureImage(ctx, s, lb.Image)
	if err != nil || image == "" {
		return ctrl.Result{}, err
	}
	lb.Image = image
	if _, err := r.Network.Ensure(ctx); err != nil {
		return ctrl.Result{}, err
	}
	if err := r.Network.JoinManagementCluster(ctx); err != nil {
		return ctrl.Result{}, err
	}
	servers, err := r.controlPlane(ctx, s)
	if err != nil {
		return ctrl.Result{}, err
	}
	config, err := r.config(ctx, s, servers)
	if err != nil {
		return ctrl.Result{}, err
	}
	endpoint, err := lb.Ensure(ctx, config)
	if errors.Is(err, loadbalancer.ErrNameTaken) {
		s.waiting, s.message = infrav1.LoadBalancerNameTakenReason, err.Error()
		return ctrl.Result{RequeueAfter: retryInterval}, nil
	}
	if err != nil {
		return ctrl.Result{}, err
	}
	publish(s.dockerCluster, lb, config, endpoint)
	return ctrl.Result{}, r.markConfigured(ctx, servers)
}

// publish writes down where the API server is to be found, and that the infrastructure is there. That is an address
// where one can be assigned, because the Docker host reaches it, too. Otherwise it is the container's name, which
// Docker's DNS resolves on the network, whatever address the engine chooses.
func publish(dockerCluster *infrav1.DockerCluster, lb *loadbalancer.LoadBalancer, config loadbalancer.Config, at loadbalancer.Endpoint) {
	endpoint := &dockerCluster.Spec.ControlPlaneEndpoint
	if endpoint.Host == "" {
		address := at.IPv4
		if config.IPv6 {
			address = at.IPv6
		}
		endpoint.Host = cmp.Or(address, lb.Name)
	}
	endpoint.Port = config.Port
	if dockerCluster.Annotations == nil {
		dockerCluster.Annotations = map[string]string{}
	}
	dockerCluster.Annotations[infrav1.HostEndpointAnnotation] = loadbalancer.HostEndpoint(lb.HostIP, at.HostPort)
	dockerCluster.Status.FailureDomains = dockerCluster.Spec.FailureDomains
	dockerCluster.Status.Initialization.Provisioned = ptr.To(true)
}

// ensureImage makes sure that the load balancer's image is on the host, and returns the reference by which it is, or
// nothing as long as it is not.
func (r *Reconciler) ensureImage(ctx context.Context, s *scope, image string) (string, error) {
	puller := images.Puller{
		Host: r.Engine, Secrets: r.APIReader,
		Namespace: s.dockerCluster.Namespace, Spec: s.dockerCluster.Spec.LoadBalancer.ImagePull,
	}
	found, pull, err := puller.EnsureAside(ctx, r.Jobs, s.dockerCluster, image)
	if err != nil || pull.Done {
		return found.Local, err
	}
	s.waiting = failure.Reason(pull.Failure, infrav1.LoadBalancerPullingImageReason)
	s.message = failure.Message(pull.Failure, pull.Progress)
	return "", nil
}

// controlPlane returns the control plane machines that have a container. One that is being deleted gets no new
// requests, unless it is the last: the API is needed to the end, for draining nodes and detaching volumes.
func (r *Reconciler) controlPlane(ctx context.Context, s *scope) ([]*infrav1.DockerMachine, error) {
	machines := &clusterv1.MachineList{}
	err := r.Client.List(ctx, machines, client.InNamespace(s.cluster.Namespace), client.MatchingLabels{
		clusterv1.ClusterNameLabel:         s.cluster.Name,
		clusterv1.MachineControlPlaneLabel: "",
	})
	if err != nil {
		return nil, fmt.Errorf("listing the control plane machines: %w", err)
	}
	var staying, leaving []*infrav1.DockerMachine
	for _, machine := range machines.Items {
		object, err := variants.Machines.Get(ctx, r.Client, machine.Namespace, machine.Spec.InfrastructureRef)
		if err != nil {
			if client.IgnoreNotFound(err) == nil {
				continue
			}
			return nil, fmt.Errorf("reading the infrastructure of Machine %s: %w", machine.Name, err)
		}
		dockerMachine := object.Hub()
		switch {
		case dockerMachine.Spec.ProviderID == "":
		case !machine.DeletionTimestamp.IsZero() || !dockerMachine.DeletionTimestamp.IsZero():
			leaving = append(leaving, dockerMachine)
		default:
			staying = append(staying, dockerMachine)
		}
	}
	if len(staying) == 0 {
		return leaving, nil
	}
	return staying, nil
}

func (r *Reconciler) config(ctx context.Context, s *scope, servers []*infrav1.DockerMachine) (loadbalancer.Config, error) {
	config := loadbalancer.Config{Port: s.dockerCluster.Spec.ControlPlaneEndpoint.Port, IPv6: isIPv6(s.cluster)}
	if config.Port == 0 {
		config.Port = defaultPort
	}
	for _, server := range servers {
		config.Servers = append(config.Servers, strings.TrimPrefix(server.Spec.ProviderID, identity.ProviderID("")))
	}
	slices.Sort(config.Servers)
	ref := s.dockerCluster.Spec.LoadBalancer.CustomHAProxyConfigTemplateRef
	if ref == nil {
		return config, nil
	}
	configMap := &corev1.ConfigMap{}
	if err := r.APIReader.Get(ctx, client.ObjectKey{Namespace: s.dockerCluster.Namespace, Name: ref.Name}, configMap); err != nil {
		return config, fmt.Errorf("reading the HAProxy configuration template of spec.loadBalancer.customHAProxyConfigTemplateRef: %w", err)
	}
	template, ok := configMap.Data["value"]
	if !ok {
		return config, fmt.Errorf("ConfigMap %s has no key \"value\" with an HAProxy configuration template", ref.Name)
	}
	config.Template = template
	return config, nil
}

// isIPv6 tells whether the cluster's first pod network, which decides about its nodes' addresses, is IPv6.
func isIPv6(cluster *clusterv1.Cluster) bool {
	blocks := cluster.Spec.ClusterNetwork.Pods.CIDRBlocks
	if len(blocks) == 0 {
		return false
	}
	prefix, err := netip.ParsePrefix(blocks[0])
	return err == nil && prefix.Addr().Is6()
}

// markConfigured tells the machines that the load balancer sends requests to them.
func (r *Reconciler) markConfigured(ctx context.Context, servers []*infrav1.DockerMachine) error {
	for _, server := range servers {
		if server.Status.LoadBalancerConfigured || server.Kind != variants.DockerMachine.Kind { // Others have no such field.
			continue
		}
		after := server.DeepCopy()
		after.Status.LoadBalancerConfigured = true
		if err := r.Client.Status().Patch(ctx, after, client.MergeFrom(server)); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("patching the status of DockerMachine %s: %w", server.Name, err)
		}
	}
	return nil
}
