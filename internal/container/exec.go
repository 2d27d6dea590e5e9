// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"
	"io"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"
)

// Exec is a command to run in a container.
type Exec struct {
	// Command is the program and its arguments.
	Command []string
	// Env are additional "KEY=value" pairs.
	Env []string
	// Stdin is copied to the command, then closed. Nil gives it no input.
	Stdin io.Reader
	// Stdout and Stderr receive the output; nil discards it. The same writer may be given for both. Engines drop
	// what is left of the output some seconds after the command's end, so what is slow or long goes into a file
	// and is fetched with CopyFrom.
	Stdout, Stderr io.Writer
}

// Exec runs a command in a running container and waits for its end. It returns the command's exit code;
// the error is about running it, not about the code.
func (d *Docker) Exec(ctx context.Context, name string, exec Exec) (int, error) {
	created, err := d.client.ContainerExecCreate(ctx, name, container.ExecOptions{
		Cmd:          exec.Command,
		Env:          exec.Env,
		AttachStdin:  exec.Stdin != nil,
		AttachStdout: true,
		AttachStderr: true,
	})
	if err != nil {
		return 0, d.wrap(err, "preparing %s in container %s", exec.Command[0], name)
	}
	stream, err := d.attach(ctx, created.ID)
	if err != nil {
		return 0, d.wrap(err, "running %s in container %s", exec.Command[0], name)
	}
	defer stream.Close()
	// Closing the connection is the only way to end the reads and writes below when ctx ends first.
	stop := context.AfterFunc(ctx, stream.Close)
	defer stop()

	input := feed(stream, exec.Stdin)
	// The engine closes the stream when the command has ended and all its output is sent, so the end of the
	// stream is the end of the command: no polling.
	_, err = stdcopy.StdCopy(orDiscard(exec.Stdout), orDiscard(exec.Stderr), stream.Reader)
	if ctx.Err() != nil {
		return 0, d.wrap(ctx.Err(), "running %s in container %s", exec.Command[0], name)
	}
	if err != nil {
		return 0, d.wrap(err, "reading the output of %s in container %s", exec.Command[0], name)
	}
	result, err := d.client.ContainerExecInspect(ctx, created.ID)
	if err != nil {
		return 0, d.wrap(err, "reading the exit code of %s in container %s", exec.Command[0], name)
	}
	select {
	case err := <-input:
		return result.ExitCode, d.wrap(err, "reading the input of %s in container %s", exec.Command[0], name)
	default:
		// The command has ended without asking for the rest of its input.
		return result.ExitCode, nil
	}
}

// attach starts the command. The client waits for the engine's answer whether or not ctx ends (Docker 28.5).
func (d *Docker) attach(ctx context.Context, id string) (types.HijackedResponse, error) {
	type attached struct {
		stream types.HijackedResponse
		err    error
	}
	answer := make(chan attached, 1)
	go func() {
		stream, err := d.client.ContainerExecAttach(ctx, id, container.ExecAttachOptions{})
		answer <- attached{stream, err}
	}()
	select {
	case a := <-answer:
		return a.stream, a.err
	case <-ctx.Done():
		go func() {
			if a := <-answer; a.err == nil {
				a.stream.Close()
			}
		}()
		return types.HijackedResponse{}, ctx.Err()
	}
}

// feed copies source to the command in the background and then closes the command's input. The channel yields
// the error of the source, if any: a command that stops reading early is its own business.
func feed(stream types.HijackedResponse, source io.Reader) <-chan error {
	done := make(chan error, 1)
	if source == nil {
		done <- nil
		return done
	}
	go func() {
		reader := &errorKeeper{Reader: source}
		_, _ = io.Copy(stream.Conn, reader)
		_ = stream.CloseWrite()
		done <- reader.err
	}()
	return done
}

// errorKeeper remembers the error of a reader.
type errorKeeper struct {
	io.Reader
	err error
}

func (k *errorKeeper) Read(p []byte) (int, error) {
	n, err := k.Reader.Read(p)
	if err != nil && err != io.EOF {
		k.err = err
	}
	return n, err
}

func orDiscard(w io.Writer) io.Writer {
	if w == nil {
		return io.Discard
	}
	return w
}
