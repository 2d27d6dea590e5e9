// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package kind

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
)

func TestNeedsCgroupV1Tolerance(t *testing.T) {
	for _, test := range []struct {
		cgroup, image string
		want          bool
	}{
		{"2", "kindest/node:v1.35.0", false},
		{"1", "kindest/node:v1.34.3", false},
		{"1", "kindest/node:v1.35.0", true},
		{"1", "kindest/node:v1.35.0-rc.1", true},
		{"1", "registry:5000/node:v1.36.1@sha256:" + strings.Repeat("0", 64), true},
		{"1", "registry:5000/node", true},
		{"1", "node:latest", true},
	} {
		if got := (Config{NodeImage: test.image}).NeedsCgroupV1Tolerance(Engine{CgroupVersion: test.cgroup}); got != test.want {
			t.Errorf("cgroup v%s, %s: %t", test.cgroup, test.image, got)
		}
	}
}

// The guide's common mistake "Not mounting Docker socket in KinD config": it is mounted.
func TestToKind(t *testing.T) {
	config := Config{
		Name:                 "mgmt",
		NodeImage:            "kindest/node:v1.35.0",
		MountDockerSocket:    true,
		PortMappings:         []PortMapping{{ContainerPort: 80, HostPort: 8080, ListenAddress: "127.0.0.1", Protocol: "TCP"}},
		Mounts:               []Mount{{HostPath: "/a", ContainerPath: "/b", ReadOnly: true}},
		FeatureGates:         map[string]bool{"X": true},
		KubeadmConfigPatches: []string{"kind: KubeletConfiguration\nfailCgroupV1: true\n"},
		Labels:               map[string]string{"a": "b"},
	}
	cluster := config.toKind(Engine{CgroupVersion: "1"})
	if len(cluster.Nodes) != 1 {
		t.Fatalf("%d nodes", len(cluster.Nodes))
	}
	want := v1alpha4.Node{
		Role:   v1alpha4.ControlPlaneRole,
		Image:  "kindest/node:v1.35.0",
		Labels: map[string]string{"a": "b"},
		ExtraMounts: []v1alpha4.Mount{
			{HostPath: "/var/run/docker.sock", ContainerPath: "/var/run/docker.sock"},
			{HostPath: "/a", ContainerPath: "/b", Readonly: true},
		},
		ExtraPortMappings: []v1alpha4.PortMapping{{ContainerPort: 80, HostPort: 8080, ListenAddress: "127.0.0.1", Protocol: "TCP"}},
	}
	if diff := cmp.Diff(want, cluster.Nodes[0]); diff != "" {
		t.Error(diff)
	}
	// What the user writes has the last word.
	if diff := cmp.Diff([]string{toleranceOfCgroupV1, config.KubeadmConfigPatches[0]}, cluster.KubeadmConfigPatches); diff != "" {
		t.Error(diff)
	}
	if patches := config.toKind(Engine{CgroupVersion: "2"}).KubeadmConfigPatches; len(patches) != 1 {
		t.Errorf("patches on cgroup v2: %q", patches)
	}
}

func TestDockerErrors(t *testing.T) {
	missing := New()
	t.Setenv("PATH", t.TempDir())
	if _, err := missing.Engine(t.Context()); !errors.Is(err, ErrDockerUnreachable) {
		t.Errorf("without a docker command: %v", err)
	}
	for output, unreachable := range map[string]bool{
		"Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?":           true,
		"permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock: Get x": true,
		"Error: No such object: mgmt-control-plane":                                                                   false,
	} {
		err := dockerError(t.Context(), []string{"ps"}, output, errors.New("exit status 1"))
		if errors.Is(err, ErrDockerUnreachable) != unreachable || !strings.Contains(err.Error(), output) {
			t.Errorf("%q became %v", output, err)
		}
	}
}

func TestEngine(t *testing.T) {
	clusters := &Clusters{docker: fakeDocker{"info": `{"ID":"AB:CD","CgroupVersion":"1","ServerVersion":"20.10.24","OperatingSystem":"Debian","MemTotal":8000000000}`}.run}
	engine, err := clusters.Engine(t.Context())
	if err != nil || engine != (Engine{ID: "AB:CD", CgroupVersion: "1", ServerVersion: "20.10.24", OperatingSystem: "Debian", MemTotal: 8_000_000_000}) {
		t.Errorf("%+v, %v", engine, err)
	}
	// Some commands print what they know of themselves, and exit with 0.
	clusters = &Clusters{docker: fakeDocker{"info": `{"ServerErrors":["no engine"]}`}.run}
	if _, err := clusters.Engine(t.Context()); !errors.Is(err, ErrDockerUnreachable) {
		t.Errorf("error is %v", err)
	}
}

// What docker ps says about the nodes of a KinD cluster called mgmt.
const (
	controlPlane = "id-1 mgmt-control-plane control-plane io.x-k8s.kind.cluster=mgmt,io.x-k8s.kind.role=control-plane\n"
	worker       = "id-2 mgmt-worker worker io.x-k8s.kind.cluster=mgmt,io.x-k8s.kind.role=worker\n"
)

// Containers of a workload cluster of the same name have KinD's labels, be they
// ours or those of upstream's Docker provider.
func TestFindLeavesOutWorkloadClusters(t *testing.T) {
	workload := "id-3 mgmt-lb external-load-balancer io.x-k8s.kind.cluster=mgmt,io.x-k8s.kind.role=external-load-balancer\n" +
		"id-4 mgmt-md-0-x2x4 worker io.x-k8s.kind.cluster=mgmt,io.x-k8s.kind.role=worker\n" +
		"id-5 mgmt-control-plane-ab12 control-plane io.x-k8s.kind.cluster=mgmt,io.x-k8s.kind.role=control-plane\n" +
		"id-6 mgmt-worker1 worker io.x-k8s.kind.cluster=mgmt,io.x-k8s.kind.role=worker\n" +
		"id-7 mgmt-worker control-plane io.x-k8s.kind.cluster=mgmt,io.x-k8s.kind.role=control-plane\n" +
		"id-8 mgmt-worker worker io.x-k8s.kind.cluster=mgmt,io.x-k8s.kind.role=worker,terraform-capi.io/machine=worker\n" +
		"id-9 mgmt-control-plane  io.x-k8s.kind.cluster=mgmt\n"
	for output, want := range map[string][]string{
		workload: nil,
		workload + controlPlane + worker + strings.NewReplacer("id-2", "id-0", "mgmt-worker ", "mgmt-worker2 ").Replace(worker): {"id-0", "id-1", "id-2"},
	} {
		clusters := &Clusters{docker: fakeDocker{"ps": output, "info": `{"ID":"AB:CD","ServerVersion":"28"}`}.run}
		identity, err := clusters.Identity(t.Context(), "mgmt")
		if want == nil {
			if !errors.Is(err, ErrNotFound) {
				t.Errorf("found %v, %v", identity, err)
			}
			continue
		}
		if diff := cmp.Diff(Identity{Engine: "AB:CD", Nodes: want}, identity); diff != "" || err != nil {
			t.Errorf("%s, %v", diff, err)
		}
	}
}

func TestDescribe(t *testing.T) {
	inspected := readFile(t, "inspect.json")
	shown := Config{
		Name:              "mgmt",
		NodeImage:         "kindest/node:v1.35.0",
		MountDockerSocket: true,
		Mounts:            []Mount{{HostPath: "/srv/data", ContainerPath: "/data", ReadOnly: true}},
		PortMappings: []PortMapping{
			{ContainerPort: 53, HostPort: 5353, ListenAddress: "0.0.0.0", Protocol: "UDP"},
			{ContainerPort: 80, HostPort: 8080, ListenAddress: "127.0.0.1", Protocol: "TCP"},
		},
	}
	for name, test := range map[string]struct {
		docker fakeDocker
		status Status
		config Config
	}{
		"stopped":          {fakeDocker{"ps": controlPlane, "inspect": strings.Replace(inspected, `"Running": true`, `"Running": false`, 1)}, StatusStopped, shown},
		"no control plane": {fakeDocker{"ps": worker}, StatusIncomplete, Config{Name: "mgmt"}},
	} {
		t.Run(name, func(t *testing.T) {
			description, err := (&Clusters{docker: test.docker.run}).Describe(t.Context(), "mgmt")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&Description{Status: test.status, Node: "mgmt-control-plane", Config: test.config}, description); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestHasDockerSocket(t *testing.T) {
	for mounts, want := range map[string]bool{"/var\n/lib/modules\n\n/var\n/var/run/docker.sock\n\n": true, "/var\n/run/docker.sock\n": false, "": false} {
		docker := fakeDocker{"ps": controlPlane + worker, "inspect": mounts}
		if got, err := (&Clusters{docker: docker.run}).HasDockerSocket(t.Context(), "mgmt"); got != want || err != nil {
			t.Errorf("%q: %t, %v", mounts, got, err)
		}
	}
	if _, err := (&Clusters{docker: fakeDocker{"ps": ""}.run}).HasDockerSocket(t.Context(), "mgmt"); !errors.Is(err, ErrNotFound) {
		t.Errorf("without containers: %v", err)
	}
}

// The engine is the docker command's: DOCKER_HOST, or else the current context.
func TestRuntime(t *testing.T) {
	current := fakeDocker{"context inspect": "unix:///run/context.sock\n"}
	for name, test := range map[string]struct {
		host   string
		docker fakeDocker
		want   string
	}{
		"environment": {"unix:///run/environment.sock", nil, "at unix:///run/environment.sock"},
		"context":     {"", current, "at unix:///run/context.sock"},
		"ssh":         {"", fakeDocker{"context inspect": "ssh://me@there\n"}, "the docker context leads to ssh://me@there"},
		"no command":  {"", nil, "docker context inspect"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("DOCKER_HOST", test.host)
			runtime, err := (&Clusters{docker: test.docker.run}).Runtime(t.Context())
			if err == nil {
				_, err = runtime.Info(t.Context())
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want %q", err, test.want)
			}
		})
	}
}

func TestDescribeErrors(t *testing.T) {
	if _, err := (&Clusters{docker: fakeDocker{"ps": ""}.run}).Describe(t.Context(), "mgmt"); !errors.Is(err, ErrNotFound) {
		t.Errorf("without containers: %v", err)
	}
	down := func(context.Context, ...string) ([]byte, error) { return nil, ErrDockerUnreachable }
	if _, err := (&Clusters{docker: down}).Describe(t.Context(), "mgmt"); !errors.Is(err, ErrDockerUnreachable) {
		t.Errorf("without Docker: %v", err)
	}
}

// The record tells what the container cannot, and so is the truth where there is one.
func TestReadConfig(t *testing.T) {
	recorded := fakeDocker{"exec mgmt-control-plane cat /kind/terraform-provider-capi.json": `{
		"name": "mgmt", "nodeImage": "kindest/node:v1.35.0", "mountDockerSocket": false,
		"kubeadmConfigPatches": ["kind: X"], "labels": {"a": "b"}}`}
	foreign := fakeDocker{"exec mgmt-control-plane cat /kind/kubeadm.conf": readFile(t, "kubeadm.conf")}
	for name, test := range map[string]struct {
		docker fakeDocker
		want   Config
	}{
		"ours": {recorded, Config{
			Name: "mgmt", NodeImage: "kindest/node:v1.35.0", KubeadmConfigPatches: []string{"kind: X"}, Labels: map[string]string{"a": "b"},
		}},
		"foreign": {foreign, Config{
			Name: "mgmt", MountDockerSocket: true, Labels: map[string]string{"tier": "management", "zone": "a"}, FeatureGates: map[string]bool{"InPlace": true},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			description := &Description{Node: "mgmt-control-plane", Config: Config{Name: "mgmt", MountDockerSocket: true}}
			if err := (&Clusters{docker: test.docker.run}).readConfig(t.Context(), description); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, description.Config); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestNodeLabelsOfOlderKubeadm(t *testing.T) {
	config := Config{}
	document := "kind: InitConfiguration\nnodeRegistration:\n  kubeletExtraArgs:\n    node-labels: \"a=b\"\n"
	if err := readKubeadmConfig([]byte(document), &config); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"a": "b"}, config.Labels); diff != "" {
		t.Error(diff)
	}
}

// The guide's common error "failed to create kind cluster: failed to init node: kubeadm init failed".
func TestRemedy(t *testing.T) {
	if got := remedy(fmt.Errorf("%w a/b:c", errImage), Config{NodeImage: "kindest/node:v9"}); !strings.Contains(got, "kindest/node:v9") {
		t.Errorf("missing image: %q", got)
	}
	for text, want := range map[string]string{
		"Bind for 127.0.0.1:80 failed: port is already allocated": "host_port",
		"could not find a log line that matches":                  "inotify",
		"failed to init node with kubeadm: command failed":        "memory",
		"something else": "",
	} {
		got := remedy(errors.New(text), Config{NodeImage: "kindest/node:v9"})
		if !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%q: %q", text, got)
		}
	}
	if got := remedy(fmt.Errorf("interrupted: %w", context.DeadlineExceeded), Config{}); !strings.Contains(got, "timeouts.create") {
		t.Errorf("deadline: %q", got)
	}
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	release := make(chan struct{})
	defer close(release)
	if err := await(ctx, func() error { <-release; return nil }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v", err)
	}
}

func TestDigest(t *testing.T) {
	output := "I1123 04:00:00.1 1 init.go:1] starting\n" +
		"\x1b[0;32mfailed\x1b[0m to read nonsense\r\n" +
		"\n" +
		"k8s.io/kubernetes/cmd/kubeadm/app/cmd.run\n" +
		"\tk8s.io/kubernetes@v1.35.0/cmd/kubeadm/app/cmd/init.go:181\n" +
		"runtime.goexit\n" +
		"\truntime/asm_amd64.s:1771\n"
	if got, want := digest(output), "failed to read nonsense"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	long := strings.Repeat("line\n", 100) + "end"
	if got := digest(long); strings.Count(got, "\n") != outputLines-1 || !strings.HasSuffix(got, "end") {
		t.Errorf("of a hundred lines left are %q", got)
	}
	if got := digest("\truntime/asm_amd64.s:1771\n"); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestInotifyWarning(t *testing.T) {
	for content, warns := range map[string]bool{"128\n": true, "511": true, "512\n": false, "8192": false, "": false} {
		if got := inotifyWarning(content); (got != "") != warns {
			t.Errorf("%q: %q", content, got)
		}
	}
}

// The guide's common mistake "Insufficient Docker resources for management + workload clusters".
func TestMemoryWarning(t *testing.T) {
	for memory, warns := range map[int64]bool{0: false, 2_000_000_000: true, 3_799_999_999: true, 4_112_384_000: false, 16_000_000_000: false} {
		if got := (Engine{MemTotal: memory}).MemoryWarning(); (got != "") != warns {
			t.Errorf("%d bytes: %q", memory, got)
		}
	}
	if got := (Engine{MemTotal: 2_080_000_000}).MemoryWarning(); !strings.Contains(got, "has 2.1 GB") {
		t.Errorf("got %q", got)
	}
}

func TestContextInKubeconfig(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	config := clientcmdapi.NewConfig()
	for _, name := range []string{"kind-mgmt", "other"} {
		config.Clusters[name] = &clientcmdapi.Cluster{Server: "https://" + name}
		config.AuthInfos[name] = &clientcmdapi.AuthInfo{Token: name}
		config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	}
	config.CurrentContext = "kind-mgmt"
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	if !HasContext(path, "mgmt", "https://kind-mgmt") {
		t.Error("the context is not found")
	}
	if HasContext(path, "mgmt", "https://elsewhere") || HasContext(path, "another", "https://kind-mgmt") || HasContext("/nonexistent", "mgmt", "") {
		t.Error("a context is found that is not there")
	}
	if err := RemoveContext(path, "mgmt"); err != nil {
		t.Fatal(err)
	}
	left, err := clientcmd.LoadFromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(left.Contexts) != 1 || len(left.Clusters) != 1 || len(left.AuthInfos) != 1 || left.Contexts["other"] == nil || left.CurrentContext != "" {
		t.Errorf("left are %+v", left)
	}
	if err := RemoveContext("/nonexistent/config", "mgmt"); err != nil {
		t.Errorf("a file that does not exist: %v", err)
	}
	if err := RemoveContext(t.TempDir(), "mgmt"); err == nil {
		t.Error("no error for a file that cannot be read")
	}
}

func TestClean(t *testing.T) {
	for message, want := range map[string]string{
		" ✓ Preparing nodes 📦 ":             "Preparing nodes",
		" • Writing configuration 📜  ...\n": "Writing configuration 📜  ...",
		"Creating cluster \"a\" ...\n":      "Creating cluster \"a\" ...",
	} {
		if got := clean(message); got != want {
			t.Errorf("clean(%q) = %q, want %q", message, got, want)
		}
	}
}

// fakeDocker answers docker commands by the longest prefix of their arguments,
// and fails those that it does not know.
type fakeDocker map[string]string

func (f fakeDocker) run(_ context.Context, args ...string) ([]byte, error) {
	command, found := strings.Join(args, " "), ""
	for prefix := range f {
		if strings.HasPrefix(command, prefix) && len(prefix) > len(found) {
			found = prefix
		}
	}
	if found == "" {
		return nil, fmt.Errorf("docker %s failed", command)
	}
	return []byte(f[found]), nil
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
