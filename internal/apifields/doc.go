// Copyright The terraform-provider-capi Authors.
// SPDX-License-Identifier: Apache-2.0

// Package apifields translates between Terraform attributes and the fields of
// Cluster API objects.
//
// Names translate themselves (min_ready_seconds is minReadySeconds); Fields says
// what does not. Encode gives an API object that has the declared fields and no
// others. Decode goes back, and reads of the live object only what the
// configuration declares: what defaulting, controllers and other people add is
// not Terraform's business and never becomes a difference. AttributePath finds
// the attribute that an API server's complaint is about.
//
// The attributes that Clusters and ClusterClasses share are here too.
package apifields
