package main

import (
	"bytes"
	"os"
	"testing"
)

func TestTheCommittedFilterIsWhatTheListsGive(t *testing.T) {
	want, err := build()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../common.bin")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("common.bin (%d bytes) differs from the %d bytes made of the lists: run go generate ./internal/secret", len(got), len(want))
	}
}
