package faults

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// smallDisk returns a folder on a disk of its own, of size bytes, or skips the test.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root may make a small disk")
	}
	dir := t.TempDir()
	if err := syscall.Mount("headykey-faults", dir, "tmpfs", 0, fmt.Sprintf("size=%d", size)); err != nil {
		t.Skipf("a small disk cannot be made here: %v", err)
	}
	t.Cleanup(func() { // after the server's own clean-up
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("the small disk stays: %v", err)
		}
	})
	return dir
}

// fill writes a file until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	must(t, err)
	defer f.Close()
	for size := 64 << 10; size > 0; {
		_, err := f.Write(make([]byte, size))
		if errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else {
			must(t, err)
		}
	}
}

// On a full disk writes are refused, reads and token checks go on; once there is
// room everything works again, without a restart, and nothing acknowledged is lost.
func TestFullDiskRefusesWritesAndLosesNothing(t *testing.T) {
	disk := smallDisk(t, 34<<20)
	h := homeIn(filepath.Join(disk, "data"), "")
	rng := chance(t)
	s := start(t, h, config{})
	admin := s.admin(t)
	all := trails(t, s, rng, 4)
	for _, tr := range all {
		tr.outages = true
	}
	filler := filepath.Join(disk, "filler")
	for round := range 2 {
		stop := make(chan struct{})
		wait := walk(all, s, stop)
		time.Sleep(300 * time.Millisecond)
		fill(t, filler)
		eventually(t, patience, "a full disk", func() bool { return full(t, s, all[0].email) })
		time.Sleep(300 * time.Millisecond)
		close(stop)
		wait()
		checkFull(t, s, all, filler)
		must(t, os.Remove(filler))
		took := eventually(t, 10*time.Second, "writing once there is room", func() bool {
			return s.nobody().try("POST", loginPath, credentials(admin.email)).status == 200
		})
		t.Logf("wrote again %v after there was room", took.Round(time.Millisecond))
		checkRound(t, s, all, true)
		s.haveReceipts(t, admin, all, time.Time{})
		if round == 0 { // once by itself, once after a crash
			s.Kill()
			s = start(t, h, config{})
			checkRound(t, s, all, true)
		}
	}
	s.Stop(t, prompt)
	s = start(t, h, config{})
	checkRound(t, s, all, true)
	checkAccounts(t, s, all)
	s.ledgersAgree(t, admin)
	report(t, all)
}

func full(t *testing.T, s *server, email string) bool {
	t.Helper()
	a := s.nobody().try("POST", loginPath, credentials(email))
	if a.status != 200 && (a.status != 503 || a.code() != "storage_full" || a.header.Get("Retry-After") == "") {
		t.Fatalf("a full disk is answered with %s, want 503 storage_full with Retry-After", a)
	}
	return a.status == 503
}

// checkFull asks everything at once while the disk is full.
func checkFull(t *testing.T, s *server, all []*trail, filler string) {
	t.Helper()
	f, err := os.OpenFile(filler, os.O_WRONLY|os.O_APPEND, 0)
	must(t, err)
	defer f.Close()
	_, _ = f.Write(make([]byte, 64<<10)) // what was freed meanwhile
	c := s.nobody()
	refusals := map[string]answer{
		"registration": c.try("POST", registerPath, credentials(address("late"))),
		"sign-in":      c.try("POST", loginPath, credentials(all[0].email)),
	}
	for _, tr := range all {
		if tr.access == "" {
			continue
		}
		mine := c.bearer(tr.access)
		for _, path := range []string{verifyPath, "/api/auth/me", keysPath, "/api/receipts"} {
			if a := mine.try("GET", path, nil); a.status != 200 {
				t.Errorf("GET %s on a full disk: %s", path, a)
			}
		}
		refusals["refresh of "+tr.name] = c.try("POST", refreshPath, obj{"refreshToken": tr.refresh})
	}
	for what, a := range refusals {
		if a.status != 503 || a.code() != "storage_full" {
			t.Errorf("%s on a full disk: %s, want 503 storage_full", what, a)
		}
	}
	if a := c.try("GET", "/health/live", nil); a.status != 200 {
		t.Errorf("the process does not live on: %s", a)
	}
}
