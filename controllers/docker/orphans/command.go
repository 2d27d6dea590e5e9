// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package orphans

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/terraform-capi/terraform-provider-capi/controllers/docker/identity"
)

const usage = `Lists the containers of clusters that nothing manages any more: their management cluster does not exist, or it has no
object for them. Volumes that such containers left behind are listed, too.

A cluster whose control plane answers, or whose nodes can be started again, may still be needed: it may have been moved to
another management cluster. It is listed by itself, and what is listed of it is removed only if --cluster names it.
Containers of which nobody here can know whether anything manages them are listed, and never removed.

Usage: terraform-provider-capi orphans [flags]

`

// arguments of the command.
type arguments struct {
	remove                 bool
	cluster, managementUID string
}

// Command is the command line for people: it lists orphans, and removes them if the arguments say so. Connect returns the
// engine that has them.
func Command(ctx context.Context, connect func(context.Context) (Engine, error), args []string, out io.Writer) error {
	var (
		parsed arguments
		flags  = pflag.NewFlagSet("orphans", pflag.ContinueOnError)
	)
	flags.BoolVar(&parsed.remove, "remove", false, "Remove the orphans with their volumes, volumes that no container has, and the Docker network of the clusters if nothing is on it any more.")
	flags.StringVar(&parsed.cluster, "cluster", "", "Only the cluster `NAMESPACE/NAME`. With --remove, what is listed of it is removed even if it lives.")
	flags.StringVar(&parsed.managementUID, "management-cluster-uid", "", "Only the clusters of the management cluster with this `UID`.")
	flags.Usage = func() { _, _ = fmt.Fprint(out, usage, flags.FlagUsages()) }
	if err := flags.Parse(args); errors.Is(err, pflag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("orphans takes flags only, not %q: see orphans --help", flags.Arg(0))
	}
	engine, err := connect(ctx)
	if err != nil {
		return err
	}
	findings, err := Find(ctx, engine)
	if err != nil {
		return err
	}
	return parsed.run(ctx, engine, findings, out)
}

func (a arguments) run(ctx context.Context, engine Engine, findings Findings, out io.Writer) error {
	findings.Orphans = slices.DeleteFunc(findings.Orphans, a.excludes)
	findings.Kept = slices.DeleteFunc(findings.Kept, a.excludes)
	findings.Unknown = slices.DeleteFunc(findings.Unknown, a.excludes)
	volumes, err := a.unusedVolumes(ctx, engine)
	if err != nil {
		return err
	}
	if err := printFindings(out, findings, volumes); err != nil || !a.remove {
		return err
	}
	remove := findings.Orphans
	if a.cluster != "" {
		remove = slices.Concat(findings.Orphans, findings.Kept)
		if len(remove) > 1 {
			return fmt.Errorf("several management clusters had a cluster %s; nothing is removed: name one with --management-cluster-uid", a.cluster)
		}
	}
	removed, err := Remove(ctx, engine, remove, a.volumeLabel())
	for _, what := range removed {
		if _, err := fmt.Fprintf(out, "Removed %s.\n", what); err != nil {
			return err
		}
	}
	return err
}

// volumeLabel selects the volumes of machines that the command is about; empty if it is about none.
func (a arguments) volumeLabel() string {
	switch {
	case a.cluster != "":
		return ""
	case a.managementUID != "":
		return VolumeLabel(types.UID(a.managementUID))
	}
	return identity.ManagementUIDLabel
}

// unusedVolumes are the names of the volumes that the command is about and that no container has.
func (a arguments) unusedVolumes(ctx context.Context, engine Engine) ([]string, error) {
	if a.volumeLabel() == "" {
		return nil, nil
	}
	return engine.UnusedVolumes(ctx, a.volumeLabel())
}

// excludes tells whether the arguments restrict the command to other clusters.
func (a arguments) excludes(c Cluster) bool {
	return a.managementUID != "" && c.Management.UID != types.UID(a.managementUID) ||
		a.cluster != "" && c.Namespace+"/"+c.Name != a.cluster
}

func printFindings(out io.Writer, findings Findings, volumes []string) error {
	if len(findings.Orphans) == 0 {
		if _, err := fmt.Fprintln(out, "There are no orphans."); err != nil {
			return err
		}
	} else if err := printTable(out, findings.Orphans); err != nil {
		return err
	}
	if err := printKept(out, findings.Kept); err != nil {
		return err
	}
	if len(findings.Unknown) > 0 {
		_, _ = fmt.Fprint(out, "\nNobody here can know whether anything manages these containers. They are never removed by this command:\n\n")
		if err := printTable(out, findings.Unknown); err != nil {
			return err
		}
		_, _ = fmt.Fprint(out, "\nIf nobody needs one of them, remove it with docker rm -f -v CONTAINER.\n")
	}
	if len(volumes) > 0 {
		_, _ = fmt.Fprintf(out, "\nThese volumes of machines have no container any more; --remove removes them:\n\n  %s\n", strings.Join(volumes, "\n  "))
	}
	for _, claim := range findings.Claims {
		_, _ = fmt.Fprintf(out, "\nContainer %s reserves the name of KinD cluster %q since %s ago. Unless that is being created now, it is left from a creation that was killed: "+
			"create the cluster again, which clears up, or remove it with docker rm -v %s.\n",
			claim.Name, claim.Labels[identity.KindClaimLabel], duration.HumanDuration(time.Since(claim.Created)), claim.Name)
	}
	if len(findings.Silent) == 0 {
		return nil
	}
	_, err := fmt.Fprintf(out, "\nThere may be more. These control planes do not answer, and may be management clusters:\n\n  %s\n\n"+
		"Start them (docker start), or remove those that nobody needs (docker rm -f -v), and look again.\n", strings.Join(findings.Silent, "\n  "))
	return err
}

func printKept(out io.Writer, kept []Cluster) error {
	if len(kept) == 0 {
		return nil
	}
	_, _ = fmt.Fprint(out, "\nNothing manages these containers here either, but their clusters live or may live:\n\n")
	if err := printTable(out, kept); err != nil {
		return err
	}
	_, _ = fmt.Fprintln(out)
	for _, c := range kept {
		_, _ = fmt.Fprintf(out, "%s/%s: %s.\n", c.Namespace, c.Name, c.Life)
	}
	_, err := fmt.Fprint(out, "\nIf nobody needs those of a cluster, remove them, and nothing else of the cluster, with orphans --remove --cluster NAMESPACE/NAME.\n")
	return err
}

func printTable(out io.Writer, clusters []Cluster) error {
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	_, _ = fmt.Fprintln(table, "MANAGEMENT NODE\tMANAGEMENT CLUSTER UID\tCLUSTER\tCONTAINER\tSTATE\tAGE\tREASON")
	for _, cluster := range clusters {
		for _, c := range cluster.Containers {
			_, _ = fmt.Fprintf(table, "%s\t%s\t%s/%s\t%s\t%s\t%s\t%s\n", cluster.Management.Node, cluster.Management.UID, cluster.Namespace, cluster.Name,
				c.Name, c.State, duration.HumanDuration(time.Since(c.Created)), cluster.Reason)
		}
	}
	return table.Flush()
}
