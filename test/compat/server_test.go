package compat_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"testing"

	"headykey.com/headykey/test/house"
)

// A server is one running headykey behind TLS.
type server struct {
	*house.Server
	authority *house.Authority  // whom everybody trusts
	apps      house.Certificate // of the server and of the apps, which live at *.example
	weather   house.Certificate // of the program that is called so
}

// start runs a server in an empty house until the test ends. It trusts the apps of
// this machine, and lets every program register.
func start(t *testing.T) *server {
	t.Helper()
	ca, err := house.NewAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &server{authority: ca}
	if s.apps, err = ca.Serve("app.example", "other.example"); err != nil {
		t.Fatal(err)
	}
	s.weather, err = ca.Issue("weather", &x509.Certificate{
		Subject:     pkix.Name{CommonName: "weather", Organization: []string{"Tests"}},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Server = house.New(t).Start(t, "--rate-limit", "off", "--no-confirm-email", "--registration", "open",
		"--tls-cert", s.apps.CertFile, "--tls-key", s.apps.KeyFile, "--tls-clients", "on", "--tls-client-ca", ca.File,
		"--extra-ca", ca.File, "--fetch-allow", "127.0.0.1")
	return s
}
