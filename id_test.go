package headykey_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"headykey.com/headykey"
)

func TestParseIDTakesOneSpellingAlone(t *testing.T) {
	const good = "018f3a2b-7c4d-7e5f-8a9b-0c1d2e3f4a5b"
	tests := []struct {
		name, text string
		ok         bool
	}{
		{"canonical", good, true},
		{"fresh", string(headykey.NewID()), true},
		{"fresh and ordered", string(headykey.NewOrderedID()), true},
		{"empty", "", false},
		{"upper case", strings.ToUpper(good), false},
		{"in braces", "{" + good + "}", false},
		{"as a URN", "urn:uuid:" + good, false},
		{"without hyphens", strings.ReplaceAll(good, "-", ""), false},
		{"newline at the end", good + "\n", false},
		{"one digit short", good[:35], false},
		{"a path", "../../../../../../../../../etc/passwd", false},
		{"SQL", good[:35] + "'", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			id, err := headykey.ParseID(tt.text)
			if tt.ok && (err != nil || id.String() != tt.text) {
				t.Errorf("got %q, %v, want it as it is", id, err)
			}
			if !tt.ok && (id != "" || !errors.Is(err, headykey.ErrBadID)) {
				t.Errorf("got %q, %v, want %v", id, err, headykey.ErrBadID)
			}
		})
	}
}

func TestOrderedIDsSortByTheirMaking(t *testing.T) {
	var ids []headykey.ID
	for range 1000 {
		ids = append(ids, headykey.NewOrderedID())
	}
	if !slices.IsSorted(ids) || len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Error("ids made one after another do not ascend")
	}
}

func FuzzParseID(f *testing.F) {
	f.Add(string(headykey.NewID()))
	f.Add("urn:uuid:018f3a2b-7c4d-7e5f-8a9b-0c1d2e3f4a5b")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := headykey.ParseID(text)
		if err == nil && (string(id) != text || len(text) != 36 || strings.ToLower(text) != text) {
			t.Errorf("accepted %q as %q", text, id)
		}
	})
}
