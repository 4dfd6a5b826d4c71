package house

import (
	"crypto/x509"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestAHouseIsFoundByItsFlags(t *testing.T) {
	tests := []struct {
		name  string
		house House
		want  string
	}{
		{"SQLite", House{Data: "/d"}, "serve --listen 127.0.0.1:0 --data /d --dev"},
		{"PostgreSQL", House{Data: "/d", DSN: "postgres://h/n"}, "serve --listen 127.0.0.1:0 --data /d --database postgres://h/n --dev"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := strings.Join(tt.house.Serve("--dev"), " "); got != tt.want {
				t.Errorf("got %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestTheTestersSettingsStayOutside(t *testing.T) {
	t.Setenv("HEADYKEY_DATA", "/precious")
	t.Setenv("GORACE", "log_path=/races")
	want := []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "GORACE=log_path=/races", "HEADYKEY_URL=http://a.example"}
	if got := (House{Env: []string{"HEADYKEY_URL=http://a.example"}}).Environment(); !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestACertificateCountsByItsAuthorityAlone(t *testing.T) {
	ours, err := NewAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	made, err := ours.Serve("app.example")
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(made.Certificate.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"127.0.0.1", "app.example"} {
		if _, err := leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: ours.Pool}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: other.Pool}); err == nil {
		t.Error("another authority vouches for it")
	}
	if _, err := leaf.Verify(x509.VerifyOptions{DNSName: "b.example", Roots: ours.Pool}); err == nil {
		t.Error("it counts for a name that it has not")
	}
}

func TestALongLogIsShownByItsComplaints(t *testing.T) {
	const info, warning = "{\"level\":\"INFO\"}\n", "{\"level\":\"WARN\"}\n"
	if got := short(info + warning); got != info+warning {
		t.Errorf("a short log: got %q", got)
	}
	if got := short(strings.Repeat(info, 1000) + warning + info); got != warning {
		t.Errorf("a long log: got %q, want %q", got, warning)
	}
	if got := short(strings.Repeat(warning, 1000)); len(got) != 8000 {
		t.Errorf("a log of complaints: %d bytes, want its last 8000", len(got))
	}
}
