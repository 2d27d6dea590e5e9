// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package bundle

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
	clusterv1 "sigs.k8s.io/cluster-api/api/core/v1beta2"
	clusterctlv1 "sigs.k8s.io/cluster-api/cmd/clusterctl/api/v1alpha3"
)

const (
	// managerUser is the user that upstream's images run as.
	managerUser = 65532

	dockerSocket = "/var/run/docker.sock"

	// softMemoryLimit makes Go collect garbage more often before a manager takes more. Managers take about 100 MiB, most of
	// it not heap; ten times that is out of reach of what clusters on one host need, so that Go never spends its time on
	// collecting what is in use, and far below what a host of 4 GB, the least that is recommended, can lose to garbage.
	softMemoryLimit = "1GiB"

	// temporaryDir is the only writable folder of a manager: the webhook certificates are there.
	temporaryDir = "/tmp"
)

// NeedsDocker says whether a provider needs the Docker engine's socket. It is as good as root on the host, so only the
// Docker infrastructure provider gets it.
func NeedsDocker(provider string) bool { return provider == "infrastructure-docker" }

func (i installation) needsDocker() bool { return NeedsDocker(i.Name) }

func (i installation) managerDeployment() *appsv1.Deployment {
	labels := map[string]string{managerLabel: managerName, clusterv1.ProviderNameLabel: i.Name}
	deployment := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: i.Namespace, Name: i.deployment(), Labels: map[string]string{managerLabel: managerName}},
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To(ptr.Deref(i.settings.Replicas, 1)),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: withLabel(labels, clusterctlv1.ClusterctlLabel, "")},
				Spec: corev1.PodSpec{
					ServiceAccountName:            i.serviceAccount(),
					Containers:                    []corev1.Container{i.container()},
					Volumes:                       i.volumes(),
					SecurityContext:               i.podSecurity(),
					TerminationGracePeriodSeconds: ptr.To[int64](10),
					Tolerations: []corev1.Toleration{
						{Key: "node-role.kubernetes.io/control-plane", Effect: corev1.TaintEffectNoSchedule},
					},
				},
			},
		},
	}
	i.settings.placePods(&deployment.Spec.Template.Spec, labels)
	return deployment
}

func (i installation) container() corev1.Container {
	return corev1.Container{
		Name:            "manager",
		Image:           i.image.Reference,
		ImagePullPolicy: i.pullPolicy(),
		Command:         []string{executablePath, "controllers"},
		Args: append([]string{
			"--provider=" + i.Name,
			"--leader-elect",
			"--webhook-secret=" + i.secret(),
			"--webhook-service=" + i.service(),
		}, i.settings.Flags()...),
		Env: []corev1.EnvVar{
			fieldEnv("POD_NAMESPACE", "metadata.namespace"),
			fieldEnv("POD_NAME", "metadata.name"),
			fieldEnv("POD_UID", "metadata.uid"),
			// The Docker provider connects it to the network of the clusters.
			fieldEnv("NODE_NAME", "spec.nodeName"),
			{Name: "GOMEMLIMIT", Value: softMemoryLimit},
		},
		Ports: []corev1.ContainerPort{
			{Name: webhookPortName, ContainerPort: webhookPort, Protocol: corev1.ProtocolTCP},
			{Name: "healthz", ContainerPort: 9440, Protocol: corev1.ProtocolTCP},
			{Name: "metrics", ContainerPort: 8443, Protocol: corev1.ProtocolTCP},
		},
		// A start is looked at every second, because people wait for it. A running manager gets time to answer:
		// on a machine whose cores are all busy making nodes, a probe of one second kills managers that only wait
		// for their turn.
		StartupProbe:   probe("/readyz", 1, 120),
		ReadinessProbe: probe("/readyz", 5, 3),
		LivenessProbe:  probe("/healthz", 20, 6),
		// By default there are no limits, on purpose. What a manager needs grows with the objects that it holds, so the kernel would
		// kill one that reaches a limit again and again, and nothing would be reconciled any more.
		Resources: i.settings.resources(corev1.ResourceRequirements{Requests: corev1.ResourceList{
			corev1.ResourceCPU:    resource.MustParse("50m"),
			corev1.ResourceMemory: resource.MustParse("64Mi"),
		}}),
		VolumeMounts:             i.mounts(),
		SecurityContext:          containerSecurity(),
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
	}
}

func (i installation) pullPolicy() corev1.PullPolicy {
	if i.image.Local() {
		return corev1.PullNever
	}
	return corev1.PullIfNotPresent
}

func (i installation) volumes() []corev1.Volume {
	volumes := []corev1.Volume{{
		Name:         "temporary",
		VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumMemory}},
	}}
	if i.needsDocker() {
		volumes = append(volumes, corev1.Volume{
			Name: "docker-socket",
			VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{
				Path: dockerSocket,
				Type: ptr.To(corev1.HostPathSocket),
			}},
		})
	}
	return volumes
}

func (i installation) mounts() []corev1.VolumeMount {
	mounts := []corev1.VolumeMount{{Name: "temporary", MountPath: temporaryDir}}
	if i.needsDocker() {
		mounts = append(mounts, corev1.VolumeMount{Name: "docker-socket", MountPath: dockerSocket})
	}
	return mounts
}

// podSecurity runs the managers without privileges. The Docker provider's user is root, because the socket belongs to
// root, but a root without capabilities.
func (i installation) podSecurity() *corev1.PodSecurityContext {
	security := &corev1.PodSecurityContext{
		RunAsNonRoot:   ptr.To(true),
		RunAsUser:      ptr.To[int64](managerUser),
		RunAsGroup:     ptr.To[int64](managerUser),
		FSGroup:        ptr.To[int64](managerUser),
		SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
	}
	if i.needsDocker() {
		security.RunAsNonRoot, security.RunAsUser, security.RunAsGroup, security.FSGroup = ptr.To(false), ptr.To[int64](0), ptr.To[int64](0), nil
	}
	return security
}

func containerSecurity() *corev1.SecurityContext {
	return &corev1.SecurityContext{
		AllowPrivilegeEscalation: ptr.To(false),
		Privileged:               ptr.To(false),
		ReadOnlyRootFilesystem:   ptr.To(true),
		Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
	}
}

func probe(path string, periodSeconds, failureThreshold int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler:     corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intstr.FromString("healthz")}},
		PeriodSeconds:    periodSeconds,
		FailureThreshold: failureThreshold,
		TimeoutSeconds:   10,
	}
}

func fieldEnv(name, field string) corev1.EnvVar {
	return corev1.EnvVar{Name: name, ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: field}}}
}

func withLabel(labels map[string]string, key, value string) map[string]string {
	all := map[string]string{key: value}
	for k, v := range labels {
		all[k] = v
	}
	return all
}
