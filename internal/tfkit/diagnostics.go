// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package tfkit

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"

	"github.com/terraform-capi/terraform-provider-capi/internal/management"
	"github.com/terraform-capi/terraform-provider-capi/internal/redact"
	"github.com/terraform-capi/terraform-provider-capi/internal/waiter"
)

// ManagementClusterPath is the attribute by which every resource says where it
// lives.
var ManagementClusterPath = path.Root("management_cluster")

// ConnectError says that a management cluster cannot be used. err comes from
// Resolver.Connect.
func ConnectError(err error) diag.Diagnostic {
	summary, remedy := connectProblem(err)
	return diag.NewAttributeErrorDiagnostic(ManagementClusterPath, summary, sentences(err.Error(), remedy))
}

// ConnectWarning says that an object could not be refreshed, so that the state
// still says what it last said. err comes from Resolver.Connect or from a
// request, and object names the object, as in "Cluster default/web".
func ConnectWarning(object string, err error) diag.Diagnostic {
	summary, remedy := connectProblem(err)
	return diag.NewAttributeWarningDiagnostic(ManagementClusterPath, summary, sentences(
		fmt.Sprintf("%s was not refreshed, its last known state is kept: %s", object, err), remedy))
}

// AnotherObject says that an object of the name and management cluster that the
// state has is not the one that the state is about.
func AnotherObject(object string, expected, found types.UID) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Another object answers", sentences(
		fmt.Sprintf("%s is not the one that the state is about: that had UID %s, and this one has %s", object, expected, found),
		"It was deleted and created again outside of Terraform, or moved. "+
			"To manage the one that exists, remove the resource from the state with terraform state rm, and import it."))
}

// Undecided says that a deletion cannot tell whether there is something to delete.
func Undecided(object string, err error) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Cannot tell whether it exists", sentences(
		fmt.Sprintf("%s was not deleted: %s", object, err),
		"If it no longer exists, remove the resource from the state with terraform state rm."))
}

// Unrecorded says that a deletion does not know which object it is about.
func Unrecorded(object string) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Cannot tell which object it is", sentences(
		fmt.Sprintf("%s was not deleted: nothing is recorded that proves that what has this name now is what the state is about", object),
		"A tainted resource is planned without a record if it is not refreshed: plan again without -refresh=false. "+
			"Otherwise remove the resource from the state with terraform state rm, and import it."))
}

// CreatedTwice says that two resources of a configuration create the same object.
func CreatedTwice(attribute path.Path, object string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(attribute, "Two resources create the same object", sentences(
		fmt.Sprintf("Another resource of this configuration creates %s, too", object),
		"Give each a name of its own: with count or for_each, let the name contain count.index or each.key."))
}

// CreationError says that an object was not created. err comes from
// management.Cluster.Begin, and is one of its errors about an object that exists;
// others are for the caller to word. id is the object's import id.
func CreationError(attribute path.Path, object, resourceType, id string, err error) (diag.Diagnostic, bool) {
	switch {
	case errors.Is(err, management.ErrExists):
		return AlreadyExists(attribute, object, resourceType, id), true
	case errors.Is(err, management.ErrBeingCreated):
		return diag.NewAttributeErrorDiagnostic(attribute, "Being created", sentences(
			fmt.Sprintf("Another apply is creating %s at this moment", object),
			"If it is not meant to have two resources, give one of them another name. If the other apply was cut off, apply again in a minute: "+
				"then its remains are taken over")), true
	case errors.Is(err, management.ErrBeingDeleted):
		return diag.NewAttributeErrorDiagnostic(attribute, "Already exists", sentences(
			fmt.Sprintf("%s exists and is being deleted", object), "Apply again when it is gone.")), true
	}
	return nil, false
}

// TookOver says that a creation found what an earlier one left.
func TookOver(object string) diag.Diagnostic {
	return diag.NewWarningDiagnostic("Interrupted creation taken over", sentences(
		fmt.Sprintf("%s existed already, left by an apply that was cut off before it could be saved in a state", object),
		"It is now as this configuration declares it."))
}

// LostCreation says that what was created is another apply's by now.
func LostCreation(object string) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Creation taken over", sentences(
		fmt.Sprintf("Another apply, which creates %s as well, has taken it over, because this one gave no sign of life for too long", object),
		"It is not in this state. Give one of the two resources another name."))
}

func connectProblem(err error) (summary, remedy string) {
	switch {
	case errors.Is(err, management.ErrAnother):
		return "Another management cluster answers",
			"Check the current docker context and DOCKER_HOST, or what the provider block and the environment say of the connection. " +
				"If the expected one no longer exists anywhere, remove what lived in it from the state with terraform state rm; " +
				"what exists in the one that answers can be imported."
	case errors.Is(err, management.ErrUnknown):
		return "Cannot tell whether it exists",
			"Let the credentials read the namespace kube-system, by which a management cluster is identified. " +
				"If the object no longer exists, remove the resource from the state with terraform state rm."
	case errors.Is(err, management.ErrNotConfigured):
		return "No management cluster", ""
	case errors.Is(err, management.ErrNotFound), errors.Is(err, management.ErrGone):
		return "Management cluster not found",
			"It may have been deleted outside of Terraform. Create it, or remove what lived in it from the state."
	case errors.Is(err, management.ErrRejected):
		return "Credentials or certificate rejected",
			"Nothing was read or changed. Correct what is named above; credentials that expire have to be renewed before each plan and apply."
	case errors.Is(err, management.ErrUnreachable), management.IsConnectionError(err):
		return "Management cluster unreachable",
			"Check that it runs (docker ps, if it is a KinD cluster) and that its credentials are still valid."
	default:
		return "Management cluster not usable",
			"Correct management_cluster, or the connection in the provider block."
	}
}

// RequestError says that a request to a management cluster failed. doing says
// what it was for, as in "create Cluster default/web".
func RequestError(doing string, err error) diag.Diagnostic {
	summary, remedy := requestProblem(err)
	return diag.NewErrorDiagnostic(summary, sentences(fmt.Sprintf("Cannot %s: %s", doing, err), remedy))
}

func requestProblem(err error) (summary, remedy string) {
	switch {
	case meta.IsNoMatchError(err):
		return "Kind not known to the management cluster",
			"The provider that defines this kind is not installed in the management cluster, or in a release without this version of the kind. " +
				"Install it with capi_provider, and let this resource depend on that one (depends_on)."
	case management.IsConnectionError(err):
		return "Management cluster unreachable",
			"Check that it runs (docker ps, if it is a KinD cluster), and apply again."
	case apierrors.IsInternalError(err) && strings.Contains(err.Error(), "failed calling webhook"):
		return "Webhook of a provider does not answer",
			"The provider's pod may be starting or failing: look at the pods of its namespace, and apply again."
	case apierrors.IsUnauthorized(err), IsNotPermitted(err):
		return "Not allowed in the management cluster",
			"The credentials used for the management cluster lack this permission."
	case strings.Contains(err.Error(), topologyIsOff):
		return "Classes are switched off in the management cluster",
			"Its Cluster API was installed without CLUSTER_TOPOLOGY=true. Set --feature-gates=ClusterTopology=true on the controllers of cluster-api " +
				"and control-plane-kubeadm, or import these as capi_provider, whose controllers have it on."
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err), isDenial(err):
		return "Rejected by the management cluster", ""
	default:
		return "Request to the management cluster failed", ""
	}
}

// topologyIsOff is how Cluster API's webhooks refuse classes and topologies that
// their feature gate does not let them have.
const topologyIsOff = "ClusterTopology feature flag is enabled"

// IsNotPermitted says whether the credentials lack the permission for a request. Quotas, policies and webhooks answer with the
// same status; API servers word what authorizers refuse as "User X cannot VERB ...".
func IsNotPermitted(err error) bool {
	return err != nil && apierrors.IsForbidden(err) && strings.Contains(err.Error(), " cannot ")
}

// NotTriedOut says that a plan could not let a management cluster try out an object. Plans may run with an identity that can only
// read: HCP Terraform plans and applies as different identities.
func NotTriedOut(object string, err error) diag.Diagnostic {
	return diag.NewWarningDiagnostic("Not checked by the management cluster", sentences(
		fmt.Sprintf("The credentials of this plan do not allow to try out %s in the management cluster: %s", object, err),
		"What its webhooks and policies alone would refuse shows when the plan is applied. To have it checked now, allow the credentials to create and patch such objects."))
}

// isDenial tells an admission webhook's refusal, which is about the object, from
// missing permissions. Both come as status 403.
func isDenial(err error) bool {
	return strings.Contains(err.Error(), "admission webhook") && strings.Contains(err.Error(), "denied the request")
}

// TimeoutErrorDiagnostic says that something did not come about in time, and that the
// operation failed for that. waitingFor names it, as in "provider
// cluster-api to become available".
func TimeoutErrorDiagnostic(waitingFor string, timeout *waiter.TimeoutError, remedy string) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Timed out waiting", timeoutDetail(waitingFor, timeout, remedy))
}

// TimeoutWarning says the same where the operation did not fail for it.
func TimeoutWarning(waitingFor string, timeout *waiter.TimeoutError, remedy string) diag.Diagnostic {
	return diag.NewWarningDiagnostic("Timed out waiting", timeoutDetail(waitingFor, timeout, remedy))
}

func timeoutDetail(waitingFor string, timeout *waiter.TimeoutError, remedy string) string {
	return sentences(fmt.Sprintf("Waited %s for %s. Still pending:\n\n%s\n", timeout.Waited.Round(time.Second), waitingFor,
		Indent(timeout.Pending)), remedy)
}

// AlreadyExists says that an object that is to be created exists, and how to
// bring it under Terraform's control. id is its import id.
func AlreadyExists(attribute path.Path, object, resourceType, id string) diag.Diagnostic {
	return diag.NewAttributeErrorDiagnostic(attribute, "Already exists", fmt.Sprintf(
		"%s exists already and is not in the state. Choose another name, delete it, or import it with\n\n"+
			"  terraform import %s.NAME %s\n\nwhere NAME is the resource's name in the configuration.",
		Capitalize(object), resourceType, id))
}

// WrongImportID says that an import id has the wrong form.
func WrongImportID(id, form, example string) diag.Diagnostic {
	return diag.NewErrorDiagnostic("Wrong import id",
		fmt.Sprintf("The id %q is not of the form %s. An example is %s.", id, form, example))
}

// sentences joins texts into a paragraph each of which ends in a full stop. Errors that
// quote a URL may quote the credentials in it.
func sentences(texts ...string) string {
	var paragraph strings.Builder
	for _, text := range texts {
		if text == "" {
			continue
		}
		if paragraph.Len() > 0 && !strings.HasSuffix(paragraph.String(), "\n") {
			paragraph.WriteByte(' ')
		} else if paragraph.Len() > 0 {
			paragraph.WriteByte('\n')
		}
		paragraph.WriteString(redact.Text(Capitalize(text)))
		if !strings.ContainsAny(text[len(text)-1:], ".!?:\n") {
			paragraph.WriteByte('.')
		}
	}
	return strings.TrimRight(paragraph.String(), "\n")
}

// Capitalize begins a text as a sentence, unless it begins with the name of an attribute
// or a field, as in "spec.format: is wrong".
func Capitalize(text string) string {
	first, _, _ := strings.Cut(text, " ")
	if first == "" || strings.HasSuffix(first, ":") {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// Indent indents a text by two spaces, which keeps Terraform from breaking its lines.
func Indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ")
}
