// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"context"
	"errors"
	"fmt"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"

	"sigs.k8s.io/cluster-api/util/conditions"

	infrav1 "github.com/terraform-capi/terraform-provider-capi/controllers/docker/api/v1beta2"
	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/bootstrap"
	"github.com/terraform-capi/terraform-provider-capi/internal/redact"
)

const (
	observeJob = "observe"
	// observeTimeout ends an observation that has been forgotten; the next reconcile starts a new one.
	observeTimeout = time.Hour

	defaultBootstrapTimeout = 5 * time.Minute
)

// reconcileBootstrap finds out how the bootstrap in the node goes. It runs nothing of it: the node does that by itself.
func (r *Reconciler) reconcileBootstrap(ctx context.Context, s *scope) (ctrl.Result, error) {
	// A completed bootstrap stays completed. Whoever lost the condition, as in a move, looks again.
	if conditions.IsTrue(s.dockerMachine, infrav1.BootstrapCompletedCondition) {
		s.bootstrapped = done(infrav1.BootstrapCompletedReason)
		return ctrl.Result{}, nil
	}
	result, err := bootstrap.ReadResult(ctx, r.Engine, s.container.Name)
	if err != nil {
		return ctrl.Result{}, err
	}
	if result != nil {
		r.Jobs.Cancel(s.dockerMachine, observeJob)
		return ctrl.Result{}, r.reportResult(ctx, s, result)
	}
	name := s.container.Name
	observation := r.Jobs.Run(ctx, s.dockerMachine, observeJob, observeTimeout, func(ctx context.Context, _ func(string)) error {
		return bootstrap.WaitForResult(ctx, r.Engine, name)
	})
	if observation.Err != nil {
		s.bootstrapped = notYet(infrav1.BootstrapNotCompletedReason, "The bootstrap cannot be observed at the moment: "+observation.Err.Error())
		return ctrl.Result{}, observation.Err
	}
	return r.checkTimeout(ctx, s)
}

// reportResult reports the outcome of the bootstrap.
func (r *Reconciler) reportResult(ctx context.Context, s *scope, result *bootstrap.Result) error {
	if result.Succeeded() {
		s.bootstrapped = done(infrav1.BootstrapCompletedReason)
		return nil
	}
	secrets, err := r.bootstrapSecrets(ctx, s)
	switch {
	case errors.Is(err, errNoBootstrapData):
		s.bootstrapped = notYet(infrav1.BootstrapFailedReason, "Bootstrap "+result.DescribeWithoutLog(s.container.Name))
	case err != nil:
		return err
	default:
		s.bootstrapped = notYet(infrav1.BootstrapFailedReason, "Bootstrap "+result.Describe(secrets))
	}
	return nil
}

// bootstrapSecrets are what messages about the bootstrap must not show.
func (r *Reconciler) bootstrapSecrets(ctx context.Context, s *scope) (*redact.Contents, error) {
	secret, err := r.bootstrapData(ctx, s)
	if err != nil {
		return nil, err
	}
	return bootstrap.Secrets(secret.Data["value"], s.container.Name, s.machine.Name, s.clusterName), nil
}

// checkTimeout reports a bootstrap that takes too long. It goes on nevertheless, and may succeed.
func (r *Reconciler) checkTimeout(ctx context.Context, s *scope) (ctrl.Result, error) {
	timeout := defaultBootstrapTimeout
	if t := s.dockerMachine.Spec.BootstrapTimeout; t != nil {
		timeout = t.Duration
	}
	if left := time.Until(s.container.Started.Add(timeout)); left > 0 {
		s.bootstrapped = notYet(infrav1.BootstrapNotCompletedReason, "")
		return ctrl.Result{RequeueAfter: left}, nil
	}
	message, err := r.describeLog(ctx, s)
	if err != nil {
		return ctrl.Result{}, err
	}
	s.bootstrapped = notYet(infrav1.BootstrapTimedOutReason, fmt.Sprintf("Bootstrap has not ended within %s; %s", timeout, message))
	return ctrl.Result{RequeueAfter: retryInterval}, nil
}

// describeLog says what the bootstrap has written last, or where that is if the secrets in it are not known.
func (r *Reconciler) describeLog(ctx context.Context, s *scope) (string, error) {
	secrets, err := r.bootstrapSecrets(ctx, s)
	if errors.Is(err, errNoBootstrapData) {
		return fmt.Sprintf("what it has written is in %s of container %s", bootstrap.LogPath, s.container.Name), nil
	}
	if err != nil {
		return "", err
	}
	log, err := bootstrap.ReadLog(ctx, r.Engine, s.container.Name, secrets)
	return "it has written last:\n" + log, err
}
