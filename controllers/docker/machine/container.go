// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/blang/semver/v4"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/util/conditions"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/bootstrap"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/images"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// retryInterval is when to look again at what only people or the engine can change. The engine's events mostly come first.
const retryInterval = 30 * time.Second

// reconcileContainer makes the machine's container run. The container is created as soon as the cluster has its
// infrastructure, which takes the engine seconds, and waits unstarted for the bootstrap data; it gets them in one
// upload and is started.
func (r *Reconciler) reconcileContainer(ctx context.Context, s *scope) (ctrl.Result, error) {
	found, err := r.findOrName(ctx, s)
	switch {
	case errors.Is(err, container.ErrNotFound):
		if found, err = r.create(ctx, s); err != nil || s.waiting {
			return ctrl.Result{}, err
		}
	case err != nil:
		return ctrl.Result{}, err
	case !s.owner().Owns(found, s.established()) && s.established():
		reportMissing(s)
		return ctrl.Result{}, nil
	case !s.owner().Owns(found, s.established()):
		s.wait(&s.provisioned, infrav1.ContainerNameTakenReason, fmt.Sprintf(
			"Container %s (%.12s) exists and does not belong to this machine; remove it with \"docker rm -f -v %s\" if nobody needs it",
			found.Name, found.ID, found.Name))
		return ctrl.Result{RequeueAfter: retryInterval}, nil
	}
	if err := s.owner().Adopt(ctx, r.Engine, found); err != nil {
		return ctrl.Result{}, err
	}

	switch found.State {
	case container.StateCreated:
		if err := r.bootstrapAndStart(ctx, s, found); err != nil || s.waiting {
			return ctrl.Result{}, r.removeIfAddressTaken(ctx, found, err)
		}
	case container.StatePaused:
		// Whoever paused it has a reason.
		s.wait(&s.provisioned, infrav1.ContainerNotProvisionedReason,
			fmt.Sprintf("Container %s is paused; run \"docker unpause %s\" when that is over", found.Name, found.Name))
		return ctrl.Result{RequeueAfter: retryInterval}, nil
	case container.StateRestarting:
		s.wait(&s.provisioned, infrav1.ContainerNotProvisionedReason,
			fmt.Sprintf("Container %s ended with exit code %d and is being restarted", found.Name, found.ExitCode))
		return ctrl.Result{RequeueAfter: retryInterval}, nil
	default:
		// What is in the node is still there; it goes on from where it was.
		if !found.Running() {
			ctrl.LoggerFrom(ctx).Info("Starting the container again", "container", found.Name, "exitCode", found.ExitCode)
		}
		if err := r.Network.Start(ctx, found); err != nil {
			return ctrl.Result{}, err
		}
	}
	if !found.Running() || !found.Connected() {
		if found, err = r.Engine.Inspect(ctx, s.containerName); err != nil {
			return ctrl.Result{}, err
		}
	}
	s.container = found
	s.provisioned = done(infrav1.ContainerProvisionedReason)
	surface(s)
	return ctrl.Result{}, nil
}

// findOrName finds the machine's container, or settles the name that it is to get. Machines are named after their cluster, and
// clusters of the same name may live side by side, so a name may be another machine's.
func (r *Reconciler) findOrName(ctx context.Context, s *scope) (container.Container, error) {
	if s.containerName = identity.ContainerName(s.dockerMachine.Spec.ProviderID); s.containerName != "" {
		return r.Engine.Inspect(ctx, s.containerName)
	}
	s.containerName = identity.MachineContainer(s.clusterName, s.machine.Name, s.dockerMachine.UID)
	found, err := r.Engine.Inspect(ctx, s.containerName)
	if err == nil && s.owner().IsNamesake(found) {
		s.containerName = identity.Distinct(s.containerName, s.dockerMachine.UID)
		return r.Engine.Inspect(ctx, s.containerName)
	}
	return found, err
}

// removeIfAddressTaken removes a container that could not be started because somebody else got its address in between. It
// has never run, and the next one, which a later reconcile makes, gets another address.
func (r *Reconciler) removeIfAddressTaken(ctx context.Context, found container.Container, cause error) error {
	if !errors.Is(cause, container.ErrAddressTaken) {
		return cause
	}
	if err := r.Engine.Remove(ctx, found.ID); err != nil {
		return err
	}
	return cause
}

// create makes the container, unstarted.
func (r *Reconciler) create(ctx context.Context, s *scope) (container.Container, error) {
	if s.established() {
		reportMissing(s)
		return container.Container{}, nil
	}
	// Cluster API copies this from the DockerCluster. Either will do, and the first to come saves a moment.
	if !ptr.Deref(s.cluster.Status.Initialization.InfrastructureProvisioned, false) &&
		!ptr.Deref(s.dockerCluster.Status.Initialization.Provisioned, false) {
		s.wait(&s.provisioned, infrav1.ContainerWaitingForClusterInfrastructureReason, "")
		return container.Container{}, nil
	}
	image, err := nodeImage(s)
	if err != nil {
		s.wait(&s.provisioned, infrav1.ImageNotFoundReason, err.Error())
		return container.Container{}, nil
	}
	found, err := r.ensureImages(ctx, s, slices.Concat([]string{image}, s.dockerMachine.Spec.PreLoadImages)...)
	if err != nil || found == nil {
		return container.Container{}, err
	}
	info, err := r.Engine.Info(ctx)
	if err != nil {
		return container.Container{}, err
	}
	addresses, release, err := r.Network.Reserve(ctx, netip.Addr{})
	if err != nil {
		return container.Container{}, err
	}
	defer release()
	ctrl.LoggerFrom(ctx).Info("Creating the container", "container", s.containerName, "image", found[0].Local, "address", addresses.IPv4)
	spec := r.containerSpec(s, found[0].Local, addresses, info)
	if spec.SharedVolumes, err = images.Volumes(ctx, r.Engine, found[1:]); err != nil {
		return container.Container{}, err
	}
	if err := r.Engine.Create(ctx, spec); err != nil {
		return container.Container{}, err
	}
	return r.Engine.Inspect(ctx, s.containerName)
}

// reportMissing says that the container of a machine that had one is gone, whether or not another container has its name now.
func reportMissing(s *scope) {
	s.wait(&s.provisioned, infrav1.ContainerMissingReason, fmt.Sprintf(
		"Container %s was removed and its data with it; delete the Machine to replace it", s.containerName))
}

// bootstrapAndStart gives a new container its bootstrap data and starts it. Until it is started this can be
// repeated.
func (r *Reconciler) bootstrapAndStart(ctx context.Context, s *scope, found container.Container) error {
	if s.machine.Spec.Bootstrap.DataSecretName == nil {
		if !s.isControlPlane() && !conditions.IsTrue(s.cluster, clusterv1.ClusterControlPlaneInitializedCondition) {
			s.wait(&s.provisioned, infrav1.ContainerWaitingForControlPlaneInitializedReason, "")
			return nil
		}
		s.wait(&s.provisioned, infrav1.ContainerWaitingForBootstrapDataReason, "")
		return nil
	}
	secret, err := r.bootstrapData(ctx, s)
	if err != nil {
		return err
	}
	info, err := r.Engine.Info(ctx)
	if err != nil {
		return err
	}
	payload, err := payload(s, info, secret)
	if err != nil {
		s.wait(&s.provisioned, infrav1.ContainerInvalidBootstrapDataReason, err.Error())
		return nil
	}
	log := ctrl.LoggerFrom(ctx)
	log.Info("Starting the container with its bootstrap data", "container", s.containerName)
	if err := r.Engine.CopyTo(ctx, s.containerName, "/", bytes.NewReader(payload)); err != nil {
		return err
	}
	return r.Network.Start(ctx, found)
}

// errNoBootstrapData means that the Machine names no bootstrap data, or that they do not exist.
var errNoBootstrapData = errors.New("there is no bootstrap data")

// bootstrapData reads the bootstrap data.
func (r *Reconciler) bootstrapData(ctx context.Context, s *scope) (*corev1.Secret, error) {
	name := s.machine.Spec.Bootstrap.DataSecretName
	if name == nil {
		return nil, errNoBootstrapData
	}
	secret := &corev1.Secret{}
	err := r.APIReader.Get(ctx, client.ObjectKey{Namespace: s.machine.Namespace, Name: *name}, secret)
	switch {
	case apierrors.IsNotFound(err):
		return nil, fmt.Errorf("%w: %w", errNoBootstrapData, err)
	case err != nil:
		return nil, fmt.Errorf("reading the bootstrap data: %w", err)
	}
	return secret, nil
}

// payload is what makes the container bootstrap itself. Its errors are the user's to mend.
func payload(s *scope, info container.Info, secret *corev1.Secret) ([]byte, error) {
	if format := string(secret.Data["format"]); format != "" && format != "cloud-config" {
		return nil, fmt.Errorf("the bootstrap data has format %q; only cloud-config is supported by the Docker infrastructure provider", format)
	}
	data, ok := secret.Data["value"]
	if !ok {
		return nil, fmt.Errorf("Secret %s has no key \"value\"", secret.Name) //nolint:staticcheck // Secret is a kind.
	}
	version, err := semver.ParseTolerant(s.machine.Spec.Version)
	if err != nil {
		return nil, fmt.Errorf("version %q of the Machine is not a Kubernetes version: %w", s.machine.Spec.Version, err)
	}
	subnet, err := podSubnet(s)
	if err != nil {
		return nil, err
	}
	node := bootstrap.Node{
		Name:             s.containerName,
		ProviderID:       identity.ProviderID(s.containerName),
		Version:          version,
		CgroupV1:         info.CgroupVersion == "1",
		ControlPlane:     s.isControlPlane(),
		CertificateNames: certificateNames(s),
		PodSubnet:        subnet,
		WaitForImages:    len(s.dockerMachine.Spec.PreLoadImages) > 0,
	}
	return node.Payload(data)
}

// certificateNames are the ways to reach the API server from the cluster's network and from the Docker host.
func certificateNames(s *scope) []string {
	names := []string{"127.0.0.1", "localhost", s.dockerCluster.Spec.ControlPlaneEndpoint.Host}
	if address, err := netip.ParseAddr(s.dockerCluster.Spec.LoadBalancer.HostIP); err == nil && !address.IsUnspecified() {
		names = append(names, address.String())
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// podSubnet is what the node image's network plug-in is to be installed with, or empty if it is not asked for.
func podSubnet(s *scope) (string, error) {
	switch plugin := s.cluster.Annotations[infrav1.CNIAnnotation]; {
	case plugin == "" || !s.isControlPlane():
		return "", nil
	case plugin != infrav1.CNINodeImage:
		return "", fmt.Errorf("annotation %s of the Cluster is %q; it can only be %q", infrav1.CNIAnnotation, plugin, infrav1.CNINodeImage)
	case len(s.cluster.Spec.ClusterNetwork.Pods.CIDRBlocks) == 0:
		return "", errors.New("the network plug-in of the node image needs spec.clusterNetwork.pods.cidrBlocks of the Cluster")
	}
	return strings.Join(s.cluster.Spec.ClusterNetwork.Pods.CIDRBlocks, ","), nil
}

// surface writes down what Cluster API wants to know about a running container. For it the container is the
// machine, as a server is elsewhere, so the machine is provisioned although the bootstrap goes on inside: the work
// of the other controllers then overlaps with kubeadm's.
func surface(s *scope) {
	m := s.dockerMachine
	m.Spec.ProviderID = identity.ProviderID(s.container.Name)
	m.Status.Initialization.Provisioned = ptr.To(true)
	m.Status.FailureDomain = s.container.Labels[identity.FailureDomainLabel]
	m.Status.Addresses = []clusterv1.MachineAddress{
		{Type: clusterv1.MachineHostName, Address: s.container.Name},
		{Type: clusterv1.MachineInternalDNS, Address: s.container.Name},
	}
	for _, address := range []string{s.container.IPv4, s.container.IPv6} {
		if address != "" {
			m.Status.Addresses = append(m.Status.Addresses,
				clusterv1.MachineAddress{Type: clusterv1.MachineInternalIP, Address: address},
				clusterv1.MachineAddress{Type: clusterv1.MachineExternalIP, Address: address})
		}
	}
}
