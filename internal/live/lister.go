// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package live

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/session"
)

const (
	// listFreshness is how long reads share what was listed. Terraform reads ten
	// resources at a time, as fast as it can.
	listFreshness = 2 * time.Second
	// singleReads is how many reads in that time ask for their cluster alone: to
	// list a namespace for a few clusters could mean to list those of others.
	singleReads = 5
)

// Lister answers the reads of many clusters with few requests. Only a refresh uses
// it: what waits and applies look at has to be of this moment.
type Lister struct {
	Management *management.Cluster
	loads      singleflight.Group

	mu sync.Mutex
	// epoch counts the changes that this session has made.
	epoch      int
	namespaces map[string]*namespaceReads
}

// namespaceReads is what a lister has of a namespace.
type namespaceReads struct {
	began time.Time
	reads int
	// snapshot is nil until there have been enough reads.
	snapshot *Snapshot
}

// listers has one lister for each management cluster that a session is connected to
// (*management.Cluster to *lister).
type listers struct{ sync.Map }

// ListerOf is the lister for a management cluster that a session is connected to.
func ListerOf(s *session.Session, mgmt *management.Cluster) *Lister {
	value, _ := session.Part[listers](s).LoadOrStore(mgmt, &Lister{Management: mgmt, namespaces: map[string]*namespaceReads{}})
	l, _ := value.(*Lister)
	return l
}

// Forget is for whoever changes something: what was listed before, or is being
// listed, no longer holds.
func (l *Lister) Forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.epoch++
	clear(l.namespaces)
}

// Observe reads the facts about a cluster, which may be listFreshness old.
func (l *Lister) Observe(ctx context.Context, key client.ObjectKey) (*Facts, error) {
	known, isSingle, epoch := l.look(key.Namespace)
	if known != nil {
		return known.Facts(key)
	}
	if isSingle {
		return Observe(ctx, l.Management, key)
	}
	loaded, err, _ := l.loads.Do(fmt.Sprint(epoch, " ", key.Namespace), func() (any, error) {
		return l.load(ctx, key.Namespace, epoch)
	})
	if err != nil {
		// Who may not list may still be allowed to read. Else the error is said of
		// this cluster.
		return Observe(ctx, l.Management, key)
	}
	fresh, _ := loaded.(*Snapshot)
	return fresh.Facts(key)
}

// look counts a read, and says what there is for it.
func (l *Lister) look(namespace string) (known *Snapshot, isSingle bool, epoch int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	entry := l.namespaces[namespace]
	if entry == nil || time.Since(entry.began) > listFreshness {
		// Reads that come one after the other go on to share lists.
		reads := 0
		if entry != nil && time.Since(entry.began) < 2*listFreshness {
			reads = entry.reads
		}
		entry = &namespaceReads{began: time.Now(), reads: reads}
		l.namespaces[namespace] = entry
	}
	entry.reads++
	return entry.snapshot, entry.reads <= singleReads, l.epoch
}

// load lists a namespace, for those who wait for it and for those who come while
// it is fresh.
func (l *Lister) load(ctx context.Context, namespace string, epoch int) (*Snapshot, error) {
	began := time.Now()
	fresh, err := TakeSnapshot(ctx, l.Management, namespace)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if entry := l.namespaces[namespace]; entry != nil && l.epoch == epoch {
		entry.began, entry.snapshot = began, fresh
	}
	return fresh, nil
}
