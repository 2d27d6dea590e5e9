// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package orphans

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
	"github.com/terraform-capi/terraform-provider-capi/internal/container"
)

// run returns what the command prints.
func run(t *testing.T, e *engine, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := Command(t.Context(), func(context.Context) (Engine, error) { return e, nil }, args, &out)
	return out.String(), err
}

// left returns two orphaned clusters, the containers of one of which are three hours older than those of the other.
func left(t *testing.T) *engine {
	t.Helper()
	e := newEngine(t)
	e.worker("test-1", "test")
	e.Stop("test-1")
	e.worker("test-2", "test")
	<-time.After(3 * time.Hour)
	e.machine("other-1", "other", identity.RoleWorker, "another", "another-control-plane")
	<-time.After(time.Minute)
	return e
}

func TestCommandLists(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		e := left(t)
		g.Expect(run(t, e)).To(Equal(`MANAGEMENT NODE         MANAGEMENT CLUSTER UID   CLUSTER         CONTAINER   STATE     AGE    REASON
another-control-plane   another                  default/other   other-1     running   60s    management cluster gone
mgmt-control-plane      old                      default/test    test-1      exited    3h1m   management cluster gone
mgmt-control-plane      old                      default/test    test-2      running   3h1m   management cluster gone
`))
		g.Expect(run(t, e, "--management-cluster-uid=another")).To(Equal(`MANAGEMENT NODE         MANAGEMENT CLUSTER UID   CLUSTER         CONTAINER   STATE     AGE   REASON
another-control-plane   another                  default/other   other-1     running   60s   management cluster gone
`))
		g.Expect(run(t, e, "--management-cluster-uid=nobody")).To(Equal("There are no orphans.\n"))
		list, err := e.List(t.Context(), nil)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(list).To(HaveLen(3), "nothing is removed unasked")
	})
}

func TestCommandTellsWhoIsSilent(t *testing.T) {
	g := NewWithT(t)
	e := newEngine(t)
	e.worker("test-1", "test")
	e.kind("mgmt", "")
	g.Expect(run(t, e)).To(Equal(`There are no orphans.

There may be more. These control planes do not answer, and may be management clusters:

  mgmt-control-plane

Start them (docker start), or remove those that nobody needs (docker rm -f -v), and look again.
`))
}

// What cannot be asked is listed, and kept even if it is named.
func TestCommandKeepsWhatIsUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		e := newEngine(t)
		e.machine("test-1", "test", identity.RoleWorker, "cloud", "")
		g.Expect(run(t, e, "--remove", "--cluster=default/test")).To(Equal(`There are no orphans.

Nobody here can know whether anything manages these containers. They are never removed by this command:

MANAGEMENT NODE   MANAGEMENT CLUSTER UID   CLUSTER        CONTAINER   STATE     AGE   REASON
                  cloud                    default/test   test-1      running   0s    management cluster not on this engine

If nobody needs one of them, remove it with docker rm -f -v CONTAINER.
`))
		_, err := e.Inspect(t.Context(), "test-1")
		g.Expect(err).NotTo(HaveOccurred())
	})
}

// A creation of a KinD cluster that was killed leaves its claim to the name.
func TestCommandListsClaims(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		e := newEngine(t)
		claim := container.Spec{Name: "terraform-capi-claim-mgmt", Image: image, Labels: map[string]string{identity.KindClaimLabel: "mgmt"}}
		g.Expect(e.Create(t.Context(), claim)).To(Succeed())
		<-time.After(time.Hour)
		want := `There are no orphans.

Container terraform-capi-claim-mgmt reserves the name of KinD cluster "mgmt" since 60m ago. Unless that is being created now, it is left from a creation that was killed: create the cluster again, which clears up, or remove it with docker rm -v terraform-capi-claim-mgmt.
`
		g.Expect(run(t, e)).To(Equal(want))
		e.worker("test-1", "test")
		g.Expect(run(t, e, "--remove")).To(ContainSubstring("Container terraform-capi-claim-mgmt reserves"))
		_, err := e.Inspect(t.Context(), claim.Name)
		g.Expect(err).NotTo(HaveOccurred(), "it may be in use")
	})
}

// A container that was removed without its volumes leaves them behind.
func TestCommandRemovesVolumes(t *testing.T) {
	g := NewWithT(t)
	e := newEngine(t)
	for name, uid := range map[string]string{"test-1": "old", "test-2": "another"} {
		labels := identity.Owner{Management: identity.Management{UID: types.UID(uid)}, Namespace: "default", Cluster: "test", Machine: name}.Labels()
		g.Expect(e.Create(t.Context(), container.Spec{Name: name, Image: image, Labels: labels, Volumes: []string{"/var"}})).To(Succeed())
		e.Vanish(name)
	}
	unused := func() []string {
		names, err := e.UnusedVolumes(t.Context(), identity.ManagementUIDLabel)
		g.Expect(err).NotTo(HaveOccurred())
		return names
	}
	names := unused()
	g.Expect(names).To(HaveLen(2))
	g.Expect(run(t, e)).To(HaveSuffix("\nThese volumes of machines have no container any more; --remove removes them:\n\n  " + strings.Join(names, "\n  ") + "\n"))
	g.Expect(run(t, e, "--remove", "--cluster=default/test")).NotTo(ContainSubstring("volumes"))
	g.Expect(unused()).To(HaveLen(2))
	_, err := run(t, e, "--remove", "--management-cluster-uid=old")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(unused()).To(HaveLen(1))
	_, err = run(t, e, "--remove")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(unused()).To(BeEmpty())
}

func TestCommandRemoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		e := left(t)
		out, err := run(t, e, "--remove", "--management-cluster-uid=another")
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(out).To(HaveSuffix("60s   management cluster gone\nRemoved container other-1.\n"))

		out, err = run(t, e, "--remove")
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(out).To(HaveSuffix("3h1m   management cluster gone\nRemoved container test-1.\nRemoved container test-2.\nRemoved network terraform-capi.\n"))

		g.Expect(run(t, e, "--remove")).To(Equal("There are no orphans.\n"))
	})
}

// What lives is removed only if it is named, and if that is clear.
func TestCommandKeepsWhatLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		e := left(t)
		e.controlPlane("dev-1", "dev", "dev")
		e.machine("dev-2", "dev", identity.RoleWorker, "another", "another-control-plane")
		e.controlPlane("stopped-1", "stopped", "stopped")
		e.Stop("stopped-1")
		g.Expect(run(t, e, "--management-cluster-uid=old", "--remove")).To(Equal(`MANAGEMENT NODE      MANAGEMENT CLUSTER UID   CLUSTER        CONTAINER   STATE     AGE    REASON
mgmt-control-plane   old                      default/test   test-1      exited    3h1m   management cluster gone
mgmt-control-plane   old                      default/test   test-2      running   3h1m   management cluster gone

Nothing manages these containers here either, but their clusters live or may live:

MANAGEMENT NODE      MANAGEMENT CLUSTER UID   CLUSTER           CONTAINER   STATE     AGE   REASON
mgmt-control-plane   old                      default/dev       dev-1       running   0s    management cluster gone
mgmt-control-plane   old                      default/stopped   stopped-1   exited    0s    management cluster gone

default/dev: its control plane answers.
default/stopped: no control plane answers, but nodes were set up: stopped-1.

If nobody needs those of a cluster, remove them, and nothing else of the cluster, with orphans --remove --cluster NAMESPACE/NAME.
Removed container test-1.
Removed container test-2.
`))
		_, err := run(t, e, "--remove", "--cluster=default/dev")
		g.Expect(err).To(MatchError(ContainSubstring("several management clusters had a cluster default/dev")))
		out, err := run(t, e, "--remove", "--cluster=default/dev", "--management-cluster-uid=old")
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(out).To(HaveSuffix("\nRemoved container dev-1.\n"))
		list, err := e.List(t.Context(), nil)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(list).To(HaveExactElements(HaveField("Name", "dev-2"), HaveField("Name", "other-1"), HaveField("Name", "stopped-1")))
	})
}

func TestCommandGoesOnAfterErrors(t *testing.T) {
	g := NewWithT(t)
	e := newEngine(t)
	for _, name := range []string{"test-1", "test-2", "test-3"} {
		e.worker(name, "test")
	}
	e.BeforeCall = func(_ context.Context, method, subject string) error {
		if method == "Remove" && subject != "test-2" {
			return errors.New("cannot remove " + subject)
		}
		return nil
	}
	out, err := run(t, e, "--remove")
	g.Expect(err).To(MatchError("cannot remove test-1\ncannot remove test-3"))
	g.Expect(out).To(HaveSuffix("Removed container test-2.\n"))
}

func TestCommandArguments(t *testing.T) {
	g := NewWithT(t)
	nobody := func(context.Context) (Engine, error) { return nil, errors.New("no engine") }
	for _, test := range []struct{ argument, want string }{
		{"--nonsense", "unknown flag: --nonsense"},
		{"nonsense", `orphans takes flags only, not "nonsense": see orphans --help`},
		{"--remove", "no engine"},
	} {
		g.Expect(Command(t.Context(), nobody, []string{test.argument}, &bytes.Buffer{})).To(MatchError(test.want))
	}
	var out bytes.Buffer
	g.Expect(Command(t.Context(), nobody, []string{"--help"}, &out)).To(Succeed())
	g.Expect(out.String()).To(And(ContainSubstring("Usage: terraform-provider-capi orphans"), ContainSubstring("--cluster NAMESPACE/NAME"), ContainSubstring("--management-cluster-uid UID")))
}
