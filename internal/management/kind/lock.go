// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

const (
	// lockPatience is how long a lock is waited for, which is held for milliseconds.
	lockPatience = 10 * time.Second
	lockPoll     = 50 * time.Millisecond
	// lockMark is how our locks start. Those of client-go and KinD are empty.
	lockMark = "terraform-provider-capi "
)

// lockFile locks a file for as long as it takes to change it, as client-go and KinD
// do: whoever creates FILE.lock has the lock until removing it. A lock of ours that
// does not change hands for half of the time that it is waited for was left by a
// process that was killed, and is broken.
func lockFile(ctx context.Context, file string, patience time.Duration) (unlock func(), err error) {
	lock, mine := file+".lock", []byte(lockMark+rand.Text())
	var seen []byte
	var since time.Time
	start := time.Now()
	for {
		err := createLock(lock, mine)
		if err == nil {
			return func() { _ = removeLock(lock, mine) }, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		if found, err := os.ReadFile(lock); err != nil || !bytes.Equal(found, seen) || since.IsZero() {
			seen, since = found, time.Now()
		}
		if time.Since(since) >= patience/2 && bytes.HasPrefix(seen, []byte(lockMark)) {
			if err := removeLock(lock, seen); err != nil {
				return nil, err
			}
			continue
		}
		if time.Since(start) >= patience {
			return nil, fmt.Errorf("%s exists: another program changes the file, or was killed while it did; "+
				"remove the lock if there is no such program", lock)
		}
		if !sleep(ctx, lockPoll) {
			return nil, ctx.Err()
		}
	}
}

func createLock(lock string, content []byte) error {
	file, err := os.OpenFile(lock, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err = errors.Join(err, file.Close()); err != nil {
		_ = os.Remove(lock)
	}
	return err
}

// removeLock removes the lock if it has that content. Between reading and removing
// a file it may become another's, so it is moved aside first, and put back if it is.
func removeLock(lock string, content []byte) error {
	aside := lock + "-" + rand.Text()
	if err := os.Rename(lock, aside); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	defer func() { _ = os.Remove(aside) }()
	if found, err := os.ReadFile(aside); err == nil && bytes.Equal(found, content) {
		return nil
	}
	return os.Link(aside, lock)
}
