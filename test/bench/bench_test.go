//go:build linux

package main

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestReadHead(t *testing.T) {
	tests := []struct {
		name, answer   string
		status, length int
		fails          bool
		rest           string // what is left for the body
	}{
		{"an answer", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: y\r\n\r\n{}", 200, 2, false, "{}"},
		{"a refusal", "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", 401, 0, false, ""},
		{"a body without a length", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 0, 0, true, ""},
		{"a length that is none", "HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n", 0, 0, true, ""},
		{"not HTTP", "220 mail.example.org\r\n", 0, 0, true, ""},
		{"cut off", "HTTP/1.1 200 OK\r\nContent-Le", 0, 0, true, ""},
		{"nothing", "", 0, 0, true, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := bufio.NewReader(strings.NewReader(tt.answer))
			status, length, err := (&line{in: in}).readHead()
			if fails := err != nil; fails != tt.fails {
				t.Fatalf("got error %v, want one: %t", err, tt.fails)
			}
			if tt.fails {
				return
			}
			rest, _ := in.Peek(in.Buffered())
			if status != tt.status || length != tt.length || string(rest) != tt.rest {
				t.Errorf("got %d, %d, %q, want %d, %d, %q", status, length, rest, tt.status, tt.length, tt.rest)
			}
		})
	}
}

func FuzzReadHead(f *testing.F) {
	f.Add("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
	f.Add("HTTP/1.1 \n\n")
	f.Fuzz(func(t *testing.T, answer string) {
		if _, length, err := (&line{in: bufio.NewReader(strings.NewReader(answer))}).readHead(); err == nil && length < 0 {
			t.Errorf("accepted the length %d", length)
		}
	})
}

func TestParseStat(t *testing.T) {
	tests := []struct {
		name, text string
		want       stat
	}{
		{"plain", "42 (postgres) S 7 1 1 0 -1 0 0 0 0 0 9 9 3 4 20 0 1 0", stat{42, 7, 70 * time.Millisecond}},
		{"brackets in the name", "42 (a) b (c) S 7 1 1 0 -1 0 0 0 0 0 9 9 0 1 20 0", stat{42, 7, 10 * time.Millisecond}},
		{"cut off", "42 (postgres) S 7", stat{}},
		{"nothing", "", stat{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := parseStat(tt.text); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// The work of another process is seen while it runs and, in a family, after it
// has ended.
func TestMeterSeesWork(t *testing.T) {
	self := meter{pid: os.Getpid(), family: true}
	before, err := self.used()
	if err != nil {
		t.Fatal(err)
	}
	if err := exec.CommandContext(t.Context(), "sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done").Run(); err != nil {
		t.Fatal(err)
	}
	after, err := self.used()
	if err != nil {
		t.Fatal(err)
	}
	if after-before < 10*time.Millisecond {
		t.Errorf("a busy child cost %v, want 10 ms or more", after-before)
	}
}

func TestEveryoneHasTheirOwnTurns(t *testing.T) {
	for _, op := range operations {
		if op.people > 1 && op.people%op.conns != 0 {
			t.Errorf("%s: %d people on %d connections would meet", op.name, op.people, op.conns)
		}
	}
}

func TestPost(t *testing.T) {
	got := string(post(nil, "/p", `{"a":"`, "1", `"}`))
	want := "POST /p HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n" + `{"a":"1"}`
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestKeepTokens(t *testing.T) {
	p := person{refresh: "old"}
	if err := keepTokens(&p, answer{body: []byte(`{"accessToken":"a.b.c","refreshToken":"0f","expiresIn":3600}`)}); err != nil {
		t.Fatal(err)
	}
	if want := (person{access: "a.b.c", refresh: "0f"}); p != want {
		t.Errorf("got %+v, want %+v", p, want)
	}
	if err := keepTokens(&p, answer{body: []byte(`{"accessToken":"a.b.c"}`)}); err == nil {
		t.Error("an answer without a refresh token was taken")
	}
}

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		all  []float64
		want float64
	}{{[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{1, 2, 3, 4}, 3}} {
		if got := median(tt.all); got != tt.want {
			t.Errorf("%v: got %v, want %v", tt.all, got, tt.want)
		}
	}
}
