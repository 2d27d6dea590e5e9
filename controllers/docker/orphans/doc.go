// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package orphans finds what nothing manages any more, and removes it. Nodes and load balancers are containers of their own:
// they outlive a management cluster that is deleted before its clusters, and an object that loses its finalizer.
//
// To take a cluster for an orphan that is none would destroy it, so what cannot be known is not an orphan. A container is
// without a management cluster if all of this holds:
//
//  1. It belongs (package identity) to a management cluster whose controllers ran on a container, as KinD makes them, of
//     this engine. Of any other management cluster nobody here can know.
//  2. That management cluster does not live. It does if a control plane container has its UID: of a KinD cluster, or of a
//     workload cluster, which may be a management cluster since clusterctl moved one there.
//  3. It is not a cluster that may live either. A cluster that has a control plane, none of whose containers runs and
//     answers, may have any UID; but its nodes are named after it. So it counts for what belongs to a management cluster
//     with a node of such a name.
//  4. Its cluster is not a management cluster that other containers belong to.
//  5. All this holds for every container that the same management cluster made for the same cluster. A move is written
//     down container by container, when the controllers at the new place first see them.
//
// A container is without an object if its management cluster lives on this engine and all of this holds:
//
//  1. The management cluster lists all kinds that a container can belong to, and has no object of the UID or the names that
//     the container was made for.
//  2. Its Cluster is not paused there, as it is while clusterctl moves it away. If the Cluster is gone, no other container of
//     the cluster has been moved.
//
// Either is an orphan if its cluster is dead. It is kept until a person names it if the cluster may live, which it does if its
// control plane answers: clusterctl may have moved it to a management cluster whose controllers have not seen it yet, or that
// has no Docker provider. So does one whose control plane does not answer but whose nodes were set up: stopped containers can
// be started again, with their data. That leaves clusters whose machines never came up.
//
// The controllers themselves never remove a container whose object they do not find. A management cluster whose etcd is
// restored from a snapshot has its old UID, and no objects for the machines that were made since: those would be destroyed
// with nobody looking, although they live. So a person decides.
package orphans
