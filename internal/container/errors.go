// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/redact"
)

var (
	// ErrNotFound means that the container, image, network or file does not exist.
	ErrNotFound = errors.New("not found")
	// ErrConflict means that a name or port is taken, or that the container's state does not allow the call.
	ErrConflict = errors.New("conflict")
	// ErrAddressTaken means that the address that a container was made with belongs to another one. It is an
	// ErrConflict, too.
	ErrAddressTaken = fmt.Errorf("%w: the address is taken", ErrConflict)
	// ErrPortTaken means that a host port that a container was made with belongs to somebody else. It is an ErrConflict,
	// too.
	ErrPortTaken = fmt.Errorf("%w: the host port is taken", ErrConflict)
	// ErrRefused means that the engine does not accept what it was asked for, and will not the next time.
	ErrRefused = errors.New("refused")
	// ErrUnavailable means that the engine does not answer.
	ErrUnavailable = errors.New("the container engine does not answer")
)

// wrap adds what was being done to an error of the Docker client, and one of this package's sentinels. The engine quotes
// what it was given, such as the URL of a proxy or registry, which may have credentials.
func (d *Docker) wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	err, doing := redact.Error(err), redact.Text(fmt.Sprintf(format, args...))
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", doing, err)
	case errdefs.IsNotFound(err):
		return fmt.Errorf("%s: %w: %w", doing, ErrNotFound, err)
	case isAddressConflict(err):
		return fmt.Errorf("%s: %w: %w", doing, ErrAddressTaken, err)
	case isPortConflict(err):
		return fmt.Errorf("%s: %w: %w", doing, ErrPortTaken, err)
	case errdefs.IsConflict(err):
		return fmt.Errorf("%s: %w: %w", doing, ErrConflict, err)
	case errdefs.IsInvalidArgument(err):
		return fmt.Errorf("%s: %w: %w", doing, ErrRefused, err)
	case client.IsErrConnectionFailed(err):
		return fmt.Errorf("%s: %w at %s: start Docker, or set DOCKER_HOST to where it listens: %w",
			doing, ErrUnavailable, d.client.DaemonHost(), err)
	default:
		return fmt.Errorf("%s: %w", doing, err)
	}
}

// isAddressConflict recognises a taken address, of which only the text tells. A taken port is written in lower case.
func isAddressConflict(err error) bool {
	return strings.Contains(err.Error(), "Address already in use")
}

// isPortConflict recognises a taken host port. The engine reports it as an internal error of starting the
// container, so only the text tells.
func isPortConflict(err error) bool {
	text := err.Error()
	return strings.Contains(text, "port is already allocated") ||
		strings.Contains(text, "address already in use") ||
		strings.Contains(text, "ports are not available")
}
