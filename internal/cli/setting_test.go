package cli

import (
	"strings"
	"testing"
	"time"
)

func TestSpan(t *testing.T) {
	tests := []struct {
		text string
		want time.Duration
		form string // how it is shown; empty: as it was written
	}{
		{"89s", 89 * time.Second, ""},
		{"34m", 34 * time.Minute, ""},
		{"60m", time.Hour, "1h"},
		{"34h", 34 * time.Hour, ""},
		{"30d", 30 * day, ""},
		{"1d12h", 36 * time.Hour, "36h"},
		{"1m0.5s", time.Minute + 500*time.Millisecond, "1m0.5s"},
		{"0", 0, "0s"},
		{"-1h", -time.Hour, "-1h0m0s"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			got, err := parseSpan(tt.text)
			if form := formatSpan(got); got != tt.want || err != nil || tt.form != "" && form != tt.form || tt.form == "" && form != tt.text {
				t.Errorf("got %v (%s), %v; want %v (%s)", got, form, err, tt.want, tt.form)
			}
		})
	}
	for _, text := range []string{"", "d", "1", "soon", "1d-1h", "1d24h", "-1d", "1.5d", "1d1d", "99999d", "1 d", "1w"} {
		if got, err := parseSpan(text); err == nil {
			t.Errorf("%q is %v, want an error", text, got)
		}
	}
}

func FuzzSpan(f *testing.F) {
	for _, s := range []string{"30d", "1d12h", "8h", "1m0.5s", "", "-3h", "106751d23h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := parseSpan(s)
		if err != nil {
			return
		}
		if again, err := parseSpan(formatSpan(d)); again != d || err != nil {
			t.Errorf("%q is %v, shown as %q, which is %v, %v", s, d, formatSpan(d), again, err)
		}
	})
}

func TestMaskDSN(t *testing.T) {
	tests := []struct{ name, dsn, want string }{
		{"empty", "", ""},
		{"no password", "postgres://heady@db.example/heady", "postgres://heady@db.example/heady"},
		{"password", "postgres://heady:hunter2@db.example:5432/heady", "postgres://heady:********@db.example:5432/heady"},
		{"query", "postgres://db.example/heady?password=hunter2", "postgres://db.example/heady?********"},
		{"many hosts", "postgres://h:hunter2@a.example:1,b.example:2/heady", "postgres://h:********@a.example:1,b.example:2/heady"},
		{"fragment", "postgres://db.example/heady#hunter2", "postgres://db.example/heady"},
		{"opaque", "postgres:heady:hunter2@db.example", "********"},
		{"no URL", "postgres://heady:hunter2%@db.example", "********"},
		{"words", "host=db.example password=hunter2", "********"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := maskDSN(tt.dsn); got != tt.want || strings.Contains(got, "hunter2") {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestNearest(t *testing.T) {
	names := []string{"listen", "metrics_listen", "mail.smtp", "dev"}
	tests := []struct{ word, want string }{
		{"listen", "listen"},
		{"lisen", "listen"},
		{"mial.smtp", "mail.smtp"},
		{"", "dev"},
		{strings.Repeat("metrics_", 1<<17), "metrics_listen"},
	}
	for _, tt := range tests {
		if got := nearest(tt.word, names); got != tt.want {
			t.Errorf("nearest(%.20q) = %q, want %q", tt.word, got, tt.want)
		}
	}
	if got := nearest("x", nil); got != "" {
		t.Errorf("of no names: %q", got)
	}
	if got := edits("kitten", "sitting"); got != 3 {
		t.Errorf("kitten to sitting: %d edits, want 3", got)
	}
}
