package headykey

import (
	"net/netip"
	"strings"
)

// Browsers and systems that we name, by the first mark found in a User-Agent.
// The header is a stranger's text: it appears in no letter and on no page itself.
var (
	browsers = [][2]string{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"}, {"Firefox/", "Firefox"},
		{"FxiOS/", "Firefox"}, {"CriOS/", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}, {"curl/", "curl"},
	}
	systems = [][2]string{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"},
		{"Mac OS X", "macOS"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"},
	}
)

// Device names the browser and system of a User-Agent in our own words.
func Device(agent string) string {
	browser, system := firstMark(browsers, agent), firstMark(systems, agent)
	switch {
	case browser != "" && system != "":
		return browser + " on " + system
	case browser+system != "":
		return browser + system
	}
	return "Unknown device"
}

func firstMark(table [][2]string, agent string) string {
	for _, row := range table {
		if strings.Contains(agent, row[0]) {
			return row[1]
		}
	}
	return ""
}

// Place says in words where an address is, as far as that is known without asking
// anybody: this machine, or the local network; "" elsewhere.
func Place(address string) string {
	a, err := netip.ParseAddr(address)
	switch {
	case err != nil:
		return ""
	case a.Unmap().IsLoopback():
		return "this machine"
	case a.Unmap().IsPrivate(), a.IsLinkLocalUnicast():
		return "local network"
	}
	return ""
}
