package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

func TestParseMasterKeyReadsHexAndBase64(t *testing.T) {
	want := bytes.Repeat([]byte{0xfb, 0xef}, 16)
	for name, text := range map[string]string{
		"hex":            hex.EncodeToString(want),
		"upper hex":      strings.ToUpper(hex.EncodeToString(want)),
		"hex and a line": hex.EncodeToString(want) + "\r\n",
		"base64":         base64.StdEncoding.EncodeToString(want),
		"raw base64":     base64.RawStdEncoding.EncodeToString(want),
		"URL base64":     base64.URLEncoding.EncodeToString(want),
		"raw URL base64": " " + base64.RawURLEncoding.EncodeToString(want) + "\n",
	} {
		if got, err := ParseMasterKey(text); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: got %x, %v, want %x", name, got, err, want)
		}
	}
}

func TestParseMasterKeyRefusesTheRestWithoutShowingIt(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":           "",
		"a digit short":     strings.Repeat("a", 63),
		"a digit long":      strings.Repeat("a", 65),
		"not hex":           strings.Repeat("a", 63) + "g",
		"16 bytes":          base64.StdEncoding.EncodeToString(make([]byte, 16)),
		"33 bytes":          base64.StdEncoding.EncodeToString(make([]byte, 33)),
		"two lines":         strings.Repeat("a", 22) + "\n" + strings.Repeat("a", 21),
		"mixed alphabets":   strings.Repeat("-", 21) + strings.Repeat("+", 22),
		"stray last bits":   strings.Repeat("A", 42) + "B",
		"a password phrase": "correct horse battery staple",
	} {
		got, err := ParseMasterKey(text)
		if got != nil || !errors.Is(err, ErrMasterKey) {
			t.Errorf("%s: got %x, %v, want ErrMasterKey", name, got, err)
		}
		if text != "" && err != nil && strings.Contains(err.Error(), text) {
			t.Errorf("%s: the error shows the text: %v", name, err)
		}
	}
}

func FuzzParseMasterKeyGives32BytesOrAnError(f *testing.F) {
	f.Add(strings.Repeat("0", 64))
	f.Add(base64.StdEncoding.EncodeToString(make([]byte, 32)))
	f.Fuzz(func(t *testing.T, text string) {
		if key, err := ParseMasterKey(text); (err == nil) != (len(key) == MasterKeySize) {
			t.Errorf("%q: got %d bytes, %v", text, len(key), err)
		}
	})
}

func TestAMissingMasterKeyIsMadeOnceAndForTheOwnerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	first, err := LoadMasterKey(path)
	if err != nil || len(first) != MasterKeySize {
		t.Fatalf("got %d bytes, %v", len(first), err)
	}
	again, err := LoadMasterKey(path)
	if err != nil || !bytes.Equal(again, first) {
		t.Errorf("the next start: got another key, %v", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode(); got != 0o600 && runtime.GOOS != "windows" {
		t.Errorf("got mode %v, want 0600", got)
	}
	if text, _ := os.ReadFile(path); string(text) != hex.EncodeToString(first)+"\n" {
		t.Error("the file is not 64 hex digits and a line end")
	}
}

func TestManyWhoStartAtOnceAgreeOnOneMasterKey(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "master.key")
	keys, errs := make([][]byte, 34), make([]error, 34)
	var all sync.WaitGroup
	for i := range keys {
		all.Go(func() { keys[i], errs[i] = LoadMasterKey(path) })
	}
	all.Wait()
	for i := range keys {
		if errs[i] != nil || !bytes.Equal(keys[i], keys[0]) {
			t.Errorf("%d: got another key than the first, %v", i, errs[i])
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("got %v, %v, want the key file alone", entries, err)
	}
}

func TestAMasterKeyFileThatOthersMayReadIsRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes")
	}
	path := filepath.Join(t.TempDir(), "master.key")
	if _, err := LoadMasterKey(path); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620, 0o644, 0o666} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := LoadMasterKey(path)
		if !errors.Is(err, ErrMasterKey) || !strings.Contains(err.Error(), "chmod 600 "+path) {
			t.Errorf("mode %v: got %v, want ErrMasterKey and what to do", mode, err)
		}
	}
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadMasterKey(path); err != nil {
		t.Errorf("read-only for the owner: %v", err)
	}
}

func TestADamagedMasterKeyIsRefusedAndKept(t *testing.T) {
	for name, text := range map[string]string{
		"empty":      "",
		"cut short":  strings.Repeat("a", 40),
		"only zeros": strings.Repeat("\x00", 65),
		"too much":   strings.Repeat("a", 2000),
	} {
		path := filepath.Join(t.TempDir(), "master.key")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		key, err := LoadMasterKey(path)
		if key != nil || !errors.Is(err, ErrMasterKey) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %x, %v, want ErrMasterKey that names the file", name, key, err)
		}
		if now, _ := os.ReadFile(path); string(now) != text {
			t.Errorf("%s: the file was changed", name)
		}
	}
}

func TestAMasterKeyInAFolderThatIsMissingIsAnError(t *testing.T) {
	if key, err := LoadMasterKey(filepath.Join(t.TempDir(), "no", "master.key")); key != nil || err == nil {
		t.Errorf("got %x, %v, want an error", key, err)
	}
}
