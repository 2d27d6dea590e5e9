// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

const (
	retryInterval = 250 * time.Millisecond
	// retryTimeout is generous: on a busy machine an API server takes seconds to serve a new kind.
	retryTimeout = time.Minute
)

// retry calls do until it succeeds, fails for good, or fails for longer than retryTimeout.
func retry(ctx context.Context, do func() error, temporary func(error) bool) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, retryInterval, retryTimeout, true, func(context.Context) (bool, error) {
		last = do()
		if last != nil && !temporary(last) {
			return false, last
		}
		return last == nil, nil
	})
	if last != nil {
		return last
	}
	return err
}
