package oauth

import (
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"strconv"
	"testing"
	"time"
)

func TestTargetsAreWrittenInOneWay(t *testing.T) {
	for text, want := range map[string]string{
		"https://id.example/a":               "https://id.example/a",
		"https://id.example":                 "https://id.example/",
		"https://id.example?x":               "https://id.example/",
		"HTTPS://ID.EXAMPLE:443/A?b#c":       "https://id.example/A",
		"https://id.example:/a":              "https://id.example/a",
		"http://id.example:80/a":             "http://id.example/a",
		"http://id.example:443/a":            "http://id.example:443/a",
		"http://[::1]:80/a":                  "http://[::1]/a",
		"https://id.example/%61%2f%7E%2F":    "https://id.example/a%2F~%2F",
		"https://id.example/a/./b/../c":      "https://id.example/a/c",
		"https://id.example/../../a/b/..":    "https://id.example/a/",
		"https://id.example/a/%2e%2E/b/.":    "https://id.example/b/",
		"https://id.example/a//b/":           "https://id.example/a//b/",
		"https://user@id.example/a":          "",
		"ftp://id.example/a":                 "",
		"https:id.example/a":                 "",
		"https:///a":                         "",
		"/a":                                 "",
		"":                                   "",
		"https://id.example/%zz":             "",
		"https://id.example/a\n":             "",
		"https://id.example/a%00b":           "https://id.example/a%00b",
		"https://id.example/\u00fc":          "https://id.example/%C3%BC",
		"https://id.example/a b":             "https://id.example/a%20b",
		"https://id.example:8443/auth/token": "https://id.example:8443/auth/token",
	} {
		if got, ok := normalTarget(text); got != want || ok != (want != "") {
			t.Errorf("%q: got %q, %v, want %q", text, got, ok, want)
		}
	}
}

// What is written in one way stays as it is.
func FuzzNormalTarget(f *testing.F) {
	f.Add("HTTPS://ID.EXAMPLE:443/a/../%7e?b#c")
	f.Add("http://[::1]:80")
	f.Add("https://x/%2E%2e/..")
	f.Fuzz(func(t *testing.T, text string) {
		once, ok := normalTarget(text)
		if !ok {
			return
		}
		if twice, ok := normalTarget(once); !ok || twice != once {
			t.Errorf("%q: %q, then %q", text, once, twice)
		}
	})
}

func attributes(pairs ...string) pkix.RelativeDistinguishedNameSET {
	kinds := map[string]asn1.ObjectIdentifier{
		"CN": {2, 5, 4, 3}, "O": {2, 5, 4, 10}, "C": {2, 5, 4, 6}, "UID": {0, 9, 2342, 19200300, 100, 1, 1}, "X": {1, 2, 3},
	}
	var set pkix.RelativeDistinguishedNameSET
	for i := 0; i < len(pairs); i += 2 {
		set = append(set, pkix.AttributeTypeAndValue{Type: kinds[pairs[i]], Value: pairs[i+1]})
	}
	return set
}

func TestDistinguishedNames(t *testing.T) {
	plain := pkix.RDNSequence{attributes("C", "DE"), attributes("O", "Acme, Inc."), attributes("CN", "robot")}
	tests := []struct {
		name, text string
		subject    pkix.RDNSequence
		want       bool
	}{
		{"as RFC 4514 writes it", `CN=robot,O=Acme\, Inc.,C=DE`, plain, true},
		{"with spaces and by hex", `cn = robot, O=Acme\2C Inc. , C=DE`, plain, true},
		{"by numbers", `2.5.4.3=robot,2.5.4.10=Acme\, Inc.,2.5.4.6=DE`, plain, true},
		{"by its encoding", `CN=#0C05726F626F74,O=Acme\, Inc.,C=DE`, plain, true},
		{"two in one", `UID=1+CN=robot`, pkix.RDNSequence{attributes("CN", "robot", "UID", "1")}, true},
		{"spaces that are meant", `CN=\ robot\ `, pkix.RDNSequence{attributes("CN", " robot ")}, true},
		{"a sharp that is meant", `1.2.3=\#1`, pkix.RDNSequence{attributes("X", "#1")}, true},
		{"letters of others", `CN=J\C3\BCrgen`, pkix.RDNSequence{attributes("CN", "Jürgen")}, true},

		{"backwards", `C=DE,O=Acme\, Inc.,CN=robot`, plain, false},
		{"another value", `CN=robots,O=Acme\, Inc.,C=DE`, plain, false},
		{"another case", `CN=Robot,O=Acme\, Inc.,C=DE`, plain, false},
		{"a part", `CN=robot`, plain, false},
		{"more", `CN=robot,O=Acme\, Inc.,C=DE,C=DE`, plain, false},
		{"two instead of one", `CN=robot,UID=1`, pkix.RDNSequence{attributes("CN", "robot", "UID", "1")}, false},
		{"a value that holds a name", `CN=robot,O=Acme\, Inc.,C=DE`, pkix.RDNSequence{attributes("CN", `robot,O=Acme\, Inc.,C=DE`)}, false},
		{"no name", ``, plain, false},
		{"a comma at the end", `CN=robot,`, pkix.RDNSequence{attributes("CN", "robot")}, false},
		{"a type that nobody knows", `NAME=robot`, pkix.RDNSequence{attributes("CN", "robot")}, false},
		{"quotes", `CN="robot"`, pkix.RDNSequence{attributes("CN", "robot")}, false},
		{"a backslash at the end", `CN=robot\`, pkix.RDNSequence{attributes("CN", "robot")}, false},
		{"a semicolon", `CN=robot;O=x`, pkix.RDNSequence{attributes("O", "x"), attributes("CN", "robot")}, false},
	}
	for _, tt := range tests {
		raw, err := asn1.Marshal(tt.subject)
		if err != nil {
			t.Fatal(err)
		}
		if got := isSubject(tt.text, raw); got != tt.want {
			t.Errorf("%s: %q is %v", tt.name, tt.text, got)
		}
	}
	if isSubject("CN=robot", []byte("no encoding")) || isSubject("CN=1", []byte{0x30, 0x0c, 0x31, 0x0a, 0x30, 0x08, 6, 3, 0x55, 4, 3, 2, 1, 1}) {
		t.Error("a subject that is none, or holds a number, passes")
	}
}

// A name that can be read has no empty statement, and no comma hides in a type.
func FuzzParseName(f *testing.F) {
	f.Add(`CN=robot,O=Acme\, Inc.+C=DE`)
	f.Add(`1.2.3=#0C0161`)
	f.Add(`CN=\`)
	f.Fuzz(func(t *testing.T, text string) {
		name, ok := parseName(text)
		if ok != (name != nil || text == "") {
			t.Errorf("%q: %v, %v", text, name, ok)
		}
		for _, set := range name {
			if len(set) == 0 {
				t.Errorf("%q: %v", text, name)
			}
		}
	})
}

// Over its bound the memory forgets the oldest first, and never who came just now.
func TestWhatWasUsedIsRemembered(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	name := func(i int) [32]byte { return sha256.Sum256([]byte(strconv.Itoa(i))) }
	var o once
	for i := range 2*maxOnce + 1 {
		if !o.first(name(i), now) {
			t.Fatalf("%d is known", i)
		}
	}
	for i, want := range map[int]bool{0: true, 2 * maxOnce: false, maxOnce: false} {
		if got := o.first(name(i), now.Add(time.Second)); got != want {
			t.Errorf("%d is new: %v", i, got)
		}
	}
	if o.first(name(2*maxOnce), now.Add(onceLife)) {
		t.Error("forgotten as soon as a generation is over")
	}
	if !o.first(name(2*maxOnce), now.Add(9*onceLife)) {
		t.Error("never forgotten")
	}
}
