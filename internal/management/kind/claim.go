// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
)

// ErrBeingCreated means that another process is creating a KinD cluster of that name.
var ErrBeingCreated = errors.New("a KinD cluster of that name is being created")

// ErrTakenOver means that a creation was silent for so long that another one took
// over what it had made.
var ErrTakenOver = errors.New("the creation was taken for dead, and another one took over")

const (
	// claimLabel marks a claim; its value is the name of the cluster.
	claimLabel = identity.KindClaimLabel
	// claimNonceLabel tells the nodes of the creation that holds the claim.
	claimNonceLabel = ourLabels + "claim-nonce"
	// claimHolderLabel names the process that holds the claim, for people.
	claimHolderLabel = ourLabels + "claim-holder"
	// heartbeatPath is the file of a claim that says when its holder was last alive, by
	// the engine's clock.
	heartbeatPath = "/terraform-capi-heartbeat"
	// adoptedPath is the file of a claim with the nonces of the creations whose cluster
	// its holder took over.
	adoptedPath = "/terraform-capi-adopted"
	// beatsPerLapse is how often a holder shows that it is alive until it counts as dead.
	beatsPerLapse = 6
)

// claim is the right to create a cluster of one name: a container that never runs.
// An engine has one container of a name, so that one creation has the claim, and the
// container outlives a process that is killed, so that the next creation knows whose
// the unfinished nodes are.
type claim struct {
	clusters  *Clusters
	cluster   string
	id, nonce string
	// adopted are the nonces of the creations whose cluster was taken over.
	adopted []string
	stop    context.CancelFunc
	stopped sync.WaitGroup
	// lost is closed when another creation has taken over.
	lost chan struct{}
}

// otherClaim is a claim of another creation.
type otherClaim struct {
	id, nonce string
	// nonces are the one of the creation and of those whose cluster it took over: the
	// nodes that carry one of them are its own.
	nonces []string
}

func claimName(cluster string) string { return "terraform-capi-claim-" + cluster }

// acquire gets the claim to a cluster's name and shows that its holder is alive until
// it is released. The error is ErrBeingCreated if another process has the claim and is alive.
func (c *Clusters) acquire(ctx context.Context, config Config) (*claim, error) {
	k := &claim{clusters: c, cluster: config.Name, nonce: strings.ToLower(rand.Text())}
	var before *holder
	for {
		err := k.create(ctx, config.NodeImage)
		if err == nil {
			k.keepAlive(ctx)
			return k, nil
		}
		if !errors.Is(err, errNameInUse) {
			return nil, fmt.Errorf("cannot claim the name of KinD cluster %q: %w", config.Name, err)
		}
		now, err := c.holder(ctx, config.Name)
		switch {
		case errors.Is(err, errNoContainer):
			continue
		case err != nil:
			return nil, err
		case now.nonce == k.nonce:
			// The answer to the command that made it was lost.
			k.id = now.id
			k.keepAlive(ctx)
			return k, nil
		case now.isDead(c.lapse):
			// Whoever else does the same gives the same name to the same container.
			if err := c.setAside(ctx, now); err != nil {
				return nil, err
			}
			continue
		case before != nil && before.id == now.id && !now.alive.Equal(before.alive):
			return nil, fmt.Errorf("%w: %q, by %s since %s", ErrBeingCreated, config.Name, now.who, now.since.Format(time.RFC3339))
		}
		before = now
		if !sleep(ctx, c.lapse/beatsPerLapse) {
			return nil, fmt.Errorf("interrupted while %s, which may be dead, has the claim to KinD cluster %q: %w", now.who, config.Name, ctx.Err())
		}
	}
}

// create makes the container. Nothing is mounted at the volume of node images, or it
// would be filled.
func (k *claim) create(ctx context.Context, image string) error {
	host, _ := os.Hostname()
	out, err := k.clusters.run(ctx, nil, "create", "--pull", "never", "--name", claimName(k.cluster),
		"--label", claimLabel+"="+k.cluster, "--label", claimNonceLabel+"="+k.nonce,
		"--label", fmt.Sprintf("%s=process %d on %s", claimHolderLabel, os.Getpid(), host),
		"--network", "none", "--tmpfs", "/var", image, "claim")
	k.id = strings.TrimSpace(string(out))
	return err
}

// holder is what can be told about who has a claim.
type holder struct {
	id, nonce, who string
	// since, alive and now are when the claim was made, when its holder was last alive,
	// and when that was asked, all by the engine's clock.
	since, alive, now time.Time
}

func (h holder) isDead(lapse time.Duration) bool {
	// The clock may have been set back.
	silence := h.now.Sub(h.alive)
	return silence > lapse || silence < -lapse
}

// holder looks at the claim to a cluster's name. The error is errNoContainer if there
// is none.
func (c *Clusters) holder(ctx context.Context, cluster string) (*holder, error) {
	inspected, err := c.inspect(ctx, claimName(cluster))
	if err != nil {
		return nil, err
	}
	labels := inspected.Config.Labels
	if labels[claimLabel] != cluster {
		return nil, fmt.Errorf("container %s exists, whose name is needed to create KinD cluster %q. "+
			"This provider did not make it: rename or remove it", claimName(cluster), cluster)
	}
	h := &holder{
		id: inspected.ID, nonce: labels[claimNonceLabel],
		who: labels[claimHolderLabel], since: inspected.Created, alive: inspected.Created,
	}
	beat, err := c.readFile(ctx, h.id, heartbeatPath)
	if err == nil {
		h.alive, err = time.Parse(time.RFC3339Nano, string(beat))
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	engine, err := c.Engine(ctx)
	h.now = engine.SystemTime
	return h, err
}

// setAside takes the name from a claim whose holder is dead. The container stays: it
// says whose the unfinished nodes are.
func (c *Clusters) setAside(ctx context.Context, dead *holder) error {
	_, err := c.run(ctx, nil, "rename", dead.id, claimName("")+dead.nonce)
	if err == nil || errors.Is(err, errNoContainer) {
		return nil
	}
	if inspected, inspecting := c.inspect(ctx, dead.id); errors.Is(inspecting, errNoContainer) ||
		inspecting == nil && inspected.Name == "/"+claimName("")+dead.nonce {
		return nil
	}
	return fmt.Errorf("cannot take over the claim of a creation that died: %w", err)
}

// others returns the other claims to a cluster's name: those of dead creations.
func (k *claim) others(ctx context.Context) ([]otherClaim, error) {
	claims, err := k.clusters.claims(ctx, k.cluster)
	return slices.DeleteFunc(claims, func(other otherClaim) bool { return other.id == k.id }), err
}

// claims returns all claims to a cluster's name, also those that were set aside.
func (c *Clusters) claims(ctx context.Context, cluster string) ([]otherClaim, error) {
	out, err := c.query(ctx, "ps", "--all", "--no-trunc", "--filter", "label="+claimLabel+"="+cluster,
		"--format", `{{.ID}} {{.Label "`+claimNonceLabel+`"}}`)
	if err != nil {
		return nil, err
	}
	var claims []otherClaim
	for line := range strings.Lines(string(out)) {
		id, nonce, _ := strings.Cut(strings.TrimSpace(line), " ")
		adopted, err := c.readFile(ctx, id, adoptedPath)
		switch {
		case errors.Is(err, errNoContainer):
			continue
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
		claims = append(claims, otherClaim{id: id, nonce: nonce, nonces: append(strings.Fields(string(adopted)), nonce)})
	}
	return claims, nil
}

// adopt makes the holder responsible for what another creation made, whose claim
// goes. As long as there is a claim, the next creation knows whose the cluster is.
func (k *claim) adopt(ctx context.Context, other otherClaim) error {
	k.adopted = append(k.adopted, other.nonces...)
	if err := k.clusters.writeFile(ctx, k.id, adoptedPath, []byte(strings.Join(k.adopted, "\n"))); err != nil {
		return err
	}
	return k.clusters.remove(ctx, other.id)
}

// keepAlive shows until stop that the holder is alive, also when ctx has ended: then
// it still cleans up.
func (k *claim) keepAlive(ctx context.Context) {
	ctx, k.stop = context.WithCancel(context.WithoutCancel(ctx))
	k.lost = make(chan struct{})
	k.stopped.Go(func() {
		for sleep(ctx, k.clusters.lapse/beatsPerLapse) {
			switch err := k.beat(ctx); {
			case errors.Is(err, ErrTakenOver):
				close(k.lost)
				return
			case err != nil && ctx.Err() == nil:
				tflog.Warn(ctx, "cannot show that the creation is alive", map[string]any{"error": err.Error()})
			}
		}
	})
}

// beat shows that the holder is alive.
func (k *claim) beat(ctx context.Context) error {
	if err := k.held(ctx); err != nil {
		return err
	}
	engine, err := k.clusters.Engine(ctx)
	if err != nil {
		return err
	}
	return k.clusters.writeFile(ctx, k.id, heartbeatPath, []byte(engine.SystemTime.Format(time.RFC3339Nano)))
}

// held returns ErrTakenOver if another creation has taken over.
func (k *claim) held(ctx context.Context) error {
	inspected, err := k.clusters.inspect(ctx, k.id)
	if errors.Is(err, errNoContainer) || err == nil && inspected.Name != "/"+claimName(k.cluster) {
		return ErrTakenOver
	}
	return err
}

// abandon leaves the claim to whoever creates the cluster next.
func (k *claim) abandon() {
	k.stop()
	k.stopped.Wait()
}

// release gives the claim back. The error is ErrTakenOver if another creation has
// taken over, however late.
func (k *claim) release(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, cleanUpTimeout)
	defer cancel()
	if err := k.held(ctx); err != nil {
		return err
	}
	// By force, removing what does not exist would succeed.
	_, err := k.clusters.run(ctx, nil, "rm", k.id)
	k.abandon()
	if errors.Is(err, errNoContainer) {
		return ErrTakenOver
	}
	return err
}
