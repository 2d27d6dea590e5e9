// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package crash_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// process is a running plugin.
type process struct {
	client *plugin.Client
	conn   *grpc.ClientConn
}

// connection is a plugin as go-plugin knows it: only its connection is used.
type connection struct{ plugin.NetRPCUnsupportedPlugin }

func (connection) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error { return nil }

func (connection) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return conn, nil
}

// start starts this executable as the plugin, as Terraform does.
func start(t *testing.T, socket string) *process {
	t.Helper()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(executable)
	cmd.Env = append(os.Environ(), engineVariable+"="+socket)
	client := plugin.NewClient(&plugin.ClientConfig{
		Cmd: cmd, Managed: true, Logger: hclog.NewNullLogger(), AutoMTLS: true,
		HandshakeConfig: plugin.HandshakeConfig{
			MagicCookieKey: "TF_PLUGIN_MAGIC_COOKIE", MagicCookieValue: "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2",
		},
		VersionedPlugins: map[int]plugin.PluginSet{6: {"provider": connection{}}},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
	})
	protocol, err := client.Client()
	if err != nil {
		t.Fatalf("cannot start the plugin: %v", err)
	}
	conn, err := protocol.Dispense("provider")
	if err != nil {
		t.Fatal(err)
	}
	return &process{client: client, conn: conn.(*grpc.ClientConn)}
}

// stop is what Terraform does when it is interrupted: it asks the plugin to stop, and
// waits for what it has asked for.
func (p *process) stop() { _ = p.call(context.Background(), "StopProvider", nil, nil) }

// call makes a call of the protocol. Its messages are those that the plugin's side
// registers, in protobuf's JSON.
func (p *process) call(ctx context.Context, method string, request, response any) error {
	in, out := message(method+".Request"), message(method+".Response")
	content, err := json.Marshal(request)
	if err != nil {
		return err
	}
	if request != nil {
		if err := protojson.Unmarshal(content, in); err != nil {
			return fmt.Errorf("%s: %w", method, err)
		}
	}
	if err := p.conn.Invoke(ctx, "/tfplugin6.Provider/"+method, in, out); err != nil || response == nil {
		return err
	}
	if content, err = protojson.Marshal(out); err != nil {
		return err
	}
	return json.Unmarshal(content, response)
}

func message(name string) proto.Message {
	found, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName("tfplugin6." + name))
	if err != nil {
		panic(err)
	}
	return found.New().Interface()
}
