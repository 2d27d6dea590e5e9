// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	"sigs.k8s.io/cluster-api/util/conditions"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/bootstrap"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/failure"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/images"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

const (
	preLoadJob     = "preload"
	preLoadTimeout = 30 * time.Minute

	systemImagesJob     = "system-images"
	systemImagesTimeout = 5 * time.Minute
	// systemImagesInterval is how often nodes are compared at first while the cluster has several node images. Nothing
	// tells when the control plane provider changes the version of a system pod.
	systemImagesInterval = 10 * time.Second
	// slowestSystemImagesInterval is how often in an upgrade that does not get on.
	slowestSystemImagesInterval = 2 * time.Minute
)

// ensureImages makes sure that images are on the host, and returns them, or nil as long as one is not. Pulling is a job of
// its own: it takes minutes.
func (r *Reconciler) ensureImages(ctx context.Context, s *scope, wanted ...string) ([]images.Image, error) {
	puller := r.puller(s)
	var all []images.Image
	for _, image := range wanted {
		found, pull, err := puller.EnsureAside(ctx, r.Jobs, s.dockerMachine, image)
		if err != nil {
			return nil, err
		}
		if !pull.Done {
			s.wait(&s.provisioned, failure.Reason(pull.Failure, infrav1.ContainerPullingImageReason), failure.Message(pull.Failure, pull.Progress))
			return nil, nil
		}
		all = append(all, found)
	}
	return all, nil
}

func (r *Reconciler) puller(s *scope) images.Puller {
	return images.Puller{
		Host: r.Engine, Secrets: r.APIReader,
		Namespace: s.dockerMachine.Namespace, Spec: s.dockerMachine.Spec.ImagePull,
	}
}

// reconcilePreLoadedImages copies the images that the machine asks for from the Docker host into the node, whose
// bootstrap commands wait for it.
func (r *Reconciler) reconcilePreLoadedImages(ctx context.Context, s *scope) (ctrl.Result, error) {
	wanted := s.dockerMachine.Spec.PreLoadImages
	if len(wanted) == 0 {
		return ctrl.Result{}, nil
	}
	loaded, err := bootstrap.AreImagesLoaded(ctx, r.Engine, s.container.Name)
	if err != nil {
		return ctrl.Result{}, err
	}
	if loaded {
		s.preLoadedImages = done(infrav1.PreLoadedImagesReadyReason)
		return ctrl.Result{}, nil
	}
	name, puller := s.container.Name, r.puller(s)
	load := r.Jobs.Run(ctx, s.dockerMachine, preLoadJob, preLoadTimeout, func(ctx context.Context, report func(string)) error {
		for _, image := range wanted {
			report("Loading image " + image)
			// It was there when the container was made.
			found, err := puller.Ensure(ctx, image, func(progress string) { report(images.Pulling(image, progress)) })
			if err != nil {
				return err
			}
			if err := r.loader.Load(ctx, r.Engine, name, found); err != nil {
				return err
			}
		}
		return bootstrap.MarkImagesLoaded(ctx, r.Engine, name)
	})
	if load.Err != nil {
		s.preLoadedImages = notYet(failure.Reason(load.Err, infrav1.PreLoadedImagesNotReadyReason), load.Err.Error())
		return ctrl.Result{}, fmt.Errorf("loading images into the node: %w", load.Err)
	}
	if load.Done {
		s.preLoadedImages = done(infrav1.PreLoadedImagesReadyReason)
		return ctrl.Result{}, nil
	}
	s.preLoadedImages = notYet(failure.Reason(load.Failure, infrav1.PreLoadedImagesNotReadyReason), failure.Message(load.Failure, load.Progress))
	return ctrl.Result{}, nil
}

// reconcileSystemImages gives the node the images of system pods that its own node image lacks, while the cluster
// has more than one node image. It is a help: its failures are reported and hold up nothing.
func (r *Reconciler) reconcileSystemImages(ctx context.Context, s *scope) (ctrl.Result, error) {
	if s.bootstrapped == nil || !s.bootstrapped.ok {
		return ctrl.Result{}, nil
	}
	nodes, err := r.clusterNodes(ctx, s)
	if err != nil {
		return ctrl.Result{}, err
	}
	if !haveSeveralImages(nodes) {
		r.Jobs.Cancel(s.dockerMachine, systemImagesJob)
		return ctrl.Result{}, nil
	}
	name := s.container.Name
	var copied []string
	sync := r.Jobs.Run(ctx, s.dockerMachine, systemImagesJob, systemImagesTimeout, func(ctx context.Context, _ func(string)) error {
		var err error
		copied, err = images.CopySystemImages(ctx, r.Engine, name, nodes)
		if len(copied) > 0 {
			ctrl.LoggerFrom(ctx).Info("Copied images of system pods that the node image lacks", "images", strings.Join(copied, ","))
		}
		return err
	})
	switch {
	case sync.Err != nil:
		s.systemImages = notYet(infrav1.SystemImagesCopyFailedReason, sync.Err.Error())
	case sync.Done:
		s.systemImages = done(infrav1.SystemImagesAvailableReason)
	default:
		s.systemImages = &finding{unknown: true, reason: infrav1.SystemImagesCopyingReason}
		return ctrl.Result{}, nil
	}
	return ctrl.Result{RequeueAfter: untilCompared(conditions.Get(s.dockerMachine, infrav1.SystemImagesAvailableCondition))}, nil
}

// untilCompared is when to compare the nodes again: the longer nothing has changed, the later.
func untilCompared(last *metav1.Condition) time.Duration {
	if last == nil {
		return systemImagesInterval
	}
	return min(max(systemImagesInterval, time.Since(last.LastTransitionTime.Time)/30), slowestSystemImagesInterval)
}

// clusterNodes are the containers of the cluster's machines. Labels do not suffice to tell: another management cluster may
// have a cluster of the same names.
func (r *Reconciler) clusterNodes(ctx context.Context, s *scope) ([]container.Container, error) {
	machines := &clusterv1.MachineList{}
	err := r.Client.List(ctx, machines, client.InNamespace(s.cluster.Namespace), client.MatchingLabels{clusterv1.ClusterNameLabel: s.cluster.Name})
	if err != nil {
		return nil, fmt.Errorf("listing the Machines of the cluster: %w", err)
	}
	all, err := r.Engine.List(ctx, identity.ClusterSelector(s.cluster))
	return slices.DeleteFunc(all, func(c container.Container) bool {
		return c.ID != s.container.ID && !slices.ContainsFunc(machines.Items, func(m clusterv1.Machine) bool {
			return m.Spec.ProviderID == identity.ProviderID(c.Name)
		})
	}), err
}

func haveSeveralImages(nodes []container.Container) bool {
	for _, node := range nodes {
		if node.Image != nodes[0].Image {
			return true
		}
	}
	return false
}
