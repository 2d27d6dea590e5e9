// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package management

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
)

const (
	// A management cluster that is there answers its first request in
	// milliseconds; one that is not must not hold up a plan.
	probeTimeout = 10 * time.Second
	// A command that prints credentials may have to ask a cloud for them first.
	credentialsTimeout = time.Minute
)

// probe asks for the server's version. An answer that refuses the request is an
// answer too: what comes later says better what is forbidden.
func probe(ctx context.Context, config *rest.Config) error {
	config = rest.CopyConfig(config)
	config.Timeout = probeTimeout
	if config.ExecProvider != nil {
		config.Timeout = credentialsTimeout
	}
	discoveryClient, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return err
	}
	answer := make(chan error, 1)
	go func() {
		_, err := discoveryClient.WithLegacy().RESTClient().Get().AbsPath("/version").DoRaw(ctx)
		answer <- err
	}()
	// client-go runs commands that print credentials without a context, so that one that hangs would never end.
	deadline := time.NewTimer(config.Timeout + time.Second)
	defer deadline.Stop()
	select {
	case err = <-answer:
	case <-ctx.Done():
		err = ctx.Err()
	case <-deadline.C:
		err = fmt.Errorf("nothing was answered within %s", config.Timeout)
		if config.ExecProvider != nil {
			err = fmt.Errorf("%w, while %s was to print credentials", err, config.ExecProvider.Command)
		}
	}
	if apierrors.IsForbidden(err) {
		return nil
	}
	return err
}

// credentialsFailed starts client-go's errors about commands that print credentials.
const credentialsFailed = "getting credentials: "

// connectionError says why a management cluster cannot be connected to.
func connectionError(id string, config *rest.Config, err error) error {
	var certificate *tls.CertificateVerificationError
	switch {
	case apierrors.IsUnauthorized(err):
		return &reasonError{ErrRejected, fmt.Sprintf("%s at %s does not accept the credentials: they are wrong, or have expired", Describe(id), config.Host), err}
	case errors.As(err, &certificate):
		return &reasonError{ErrRejected, fmt.Sprintf("%s at %s has a certificate that cannot be trusted", Describe(id), config.Host), err}
	case strings.Contains(err.Error(), credentialsFailed):
		return &reasonError{ErrRejected, fmt.Sprintf("there are no credentials for %s at %s", Describe(id), config.Host), err}
	}
	return &reasonError{ErrUnreachable, fmt.Sprintf("%s at %s does not answer", Describe(id), config.Host), err}
}
