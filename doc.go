// Package headykey is the dictionary that every part of HeadyKey speaks: users,
// sessions, API keys, callers, receipts and the failures a caller may see. It
// holds types and pure rules, imports nothing of ours and touches no disk,
// network or clock of its own.
//
// The house above it has seven floors (see docs/architecture.md); imports only
// go down, and layers_test.go holds them there.
package headykey
