package headykey_test

import (
	"testing"

	"headykey.com/headykey"
)

func TestDevice(t *testing.T) {
	tests := []struct{ agent, want string }{
		{"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36", "Chrome on Linux"},
		{"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0", "Edge on Windows"},
		{"Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/120.0 Safari/537.36 OPR/106.0", "Opera on Windows"},
		{"Mozilla/5.0 (Macintosh; Intel Mac OS X 14_1) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 Safari/605.1.15", "Safari on macOS"},
		{"Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 CriOS/120.0 Mobile Safari/604.1", "Chrome on iPhone"},
		{"Mozilla/5.0 (iPad; CPU OS 17_1 like Mac OS X) AppleWebKit/605.1.15 FxiOS/120.0 Mobile Safari/605.1.15", "Firefox on iPad"},
		{"Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 SamsungBrowser/23.0 Chrome/115.0 Mobile Safari/537.36", "Samsung Internet on Android"},
		{"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 Chrome/119.0 Safari/537.36", "Chrome on ChromeOS"},
		{"Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox on Linux"},
		{"curl/8.5.0", "curl"},
		{"Something (Windows)", "Windows"},
		{"", "Unknown device"},
		{"<script>alert(1)</script>", "Unknown device"},
		{"Your prize waits at evil.example, Chrome/1 user", "Chrome"},
	}
	for _, tt := range tests {
		if got := headykey.Device(tt.agent); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.agent, got, tt.want)
		}
	}
}

func TestPlace(t *testing.T) {
	tests := []struct{ address, want string }{
		{"127.0.0.1", "this machine"}, {"::1", "this machine"}, {"::ffff:127.0.0.1", "this machine"},
		{"10.1.2.3", "local network"}, {"192.168.0.9", "local network"}, {"172.31.255.255", "local network"},
		{"::ffff:10.0.0.1", "local network"}, {"fd00::1", "local network"}, {"fe80::1", "local network"}, {"169.254.1.1", "local network"},
		{"172.32.0.1", ""}, {"198.51.100.7", ""}, {"2001:db8::1", ""}, {"", ""}, {"nowhere", ""},
	}
	for _, tt := range tests {
		if got := headykey.Place(tt.address); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.address, got, tt.want)
		}
	}
}

// What a stranger writes into a header never comes out as it went in.
func FuzzDevice(f *testing.F) {
	f.Add("Mozilla/5.0 (X11; Linux x86_64) Chrome/141")
	f.Fuzz(func(t *testing.T, agent string) {
		if got := headykey.Device(agent); len(got) > 40 || got == "" {
			t.Errorf("got %q", got)
		}
	})
}
