package faults

import (
	"context"
	"crypto/sha256"
	"io/fs"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"headykey.com/headykey/test/house"
)

// hashes returns the SHA-256 of every file of a data directory that holds anything.
// The lock's file tells only whose the directory is, and the log's index is made
// anew at any time.
func hashes(t *testing.T, dir string) map[string][32]byte {
	t.Helper()
	found := map[string][32]byte{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "server.lock" || strings.HasSuffix(path, "-shm") {
			return err
		}
		text, err := os.ReadFile(path)
		if len(text) > 0 {
			found[strings.TrimPrefix(path, dir)] = sha256.Sum256(text)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

var furniture = []string{"jane", "john", "jill", "joe"}

// furnish makes a data directory on SQLite with people in it, and leaves it as a
// crash (or, tidily, as a shutdown) does.
func furnish(t *testing.T, tidily bool) home {
	t.Helper()
	h := homeIn(t.TempDir(), "")
	s := start(t, h, config{})
	for _, name := range furniture {
		s.register(t, name)
	}
	if tidily {
		s.Stop(t, prompt)
	} else {
		s.Kill()
	}
	return h
}

// overwrite puts text into the file at offset.
func overwrite(t *testing.T, path string, offset int64, text []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(text, offset); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedDataIsRefusedAndLeftAlone(t *testing.T) {
	noise := []byte(strings.Repeat("this is no database. ", 610))
	const db = "headykey.db"
	tests := []struct {
		name   string
		tidily bool
		damage func(t *testing.T, dir string)
		words  []string
	}{
		{"database overwritten", true, func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, db), string(noise))
		}, []string{db, "damaged", "backup"}},
		{"first page overwritten", true, func(t *testing.T, dir string) {
			overwrite(t, filepath.Join(dir, db), 100, noise[:3996])
		}, []string{db, "damaged", "backup"}},
		{"pages in the middle overwritten", true, func(t *testing.T, dir string) {
			overwrite(t, filepath.Join(dir, db), 3*4096, noise[:3*4096])
		}, []string{db, "damaged", "backup"}},
		{"pages in the middle zeroed", true, func(t *testing.T, dir string) {
			overwrite(t, filepath.Join(dir, db), 5*4096, make([]byte, 8*4096))
		}, []string{db, "damaged", "backup"}},
		{"cut in half", true, func(t *testing.T, dir string) { cut(t, filepath.Join(dir, db)) }, []string{db, "damaged", "backup"}},
		{"log's head overwritten after a crash", false, func(t *testing.T, dir string) {
			overwrite(t, filepath.Join(dir, db+"-wal"), 0, noise[:32])
		}, []string{db, "damaged", "backup"}},
		{"log's middle overwritten after a crash", false, func(t *testing.T, dir string) {
			info, err := os.Stat(filepath.Join(dir, db+"-wal"))
			must(t, err)
			overwrite(t, filepath.Join(dir, db+"-wal"), info.Size()/2, noise[:89])
		}, []string{db, "damaged", "backup"}},
		{"a folder in its place", true, func(t *testing.T, dir string) {
			must(t, os.Remove(filepath.Join(dir, db)))
			must(t, os.Mkdir(filepath.Join(dir, db), 0o700))
		}, []string{db}},
		{"master key cut short", true, func(t *testing.T, dir string) {
			cut(t, filepath.Join(dir, "master.key"))
		}, []string{"master.key", "damaged", "backup"}},
		{"master key empty", true, func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "master.key"), "")
		}, []string{"master.key", "damaged", "backup"}},
		{"master key of another server", true, func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "master.key"), strings.Repeat("5a", 32)+"\n")
		}, []string{"another master key"}},
		{"master key missing", true, func(t *testing.T, dir string) {
			must(t, os.Remove(filepath.Join(dir, "master.key")))
		}, []string{"master key"}},
		{"master key open to others", true, func(t *testing.T, dir string) {
			must(t, os.Chmod(filepath.Join(dir, "master.key"), 0o644))
		}, []string{"master.key", "chmod 600"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := furnish(t, tt.tidily)
			tt.damage(t, h.Data)
			before := hashes(t, h.Data)
			s := launch(t, h, config{limits: true})
			select {
			case <-s.Ended:
			case <-s.Ready:
				checkPeople(t, s)
				t.Fatal("the server serves damaged data")
			case <-time.After(10 * time.Second):
				t.Fatal("the server neither starts nor refuses")
			}
			house.Result{Code: s.Cmd.ProcessState.ExitCode(), Stderr: s.Log()}.Refusal(t, tt.words...)
			if after := hashes(t, h.Data); !maps.Equal(before, after) {
				t.Errorf("the data directory was changed:\nbefore %x\nafter  %x", before, after)
			}
		})
	}
}

// The log of a crashed server holds all that the file lacks.
func TestDamageThatTheLogCoversLosesNothing(t *testing.T) {
	h := furnish(t, false)
	overwrite(t, filepath.Join(h.Data, "headykey.db"), 0, []byte(strings.Repeat("x", 4096)))
	checkPeople(t, start(t, h, config{}))
}

// checkPeople tells who of those that furnish made was lost.
func checkPeople(t *testing.T, s *server) {
	t.Helper()
	for _, name := range furniture {
		if a := s.nobody().try("POST", loginPath, credentials(address(name))); a.status != 200 {
			t.Errorf("%s was acknowledged and is lost: %s", name, a)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(text), 0o600))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func cut(t *testing.T, path string) {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	must(t, os.Truncate(path, info.Size()/2))
}

func TestReadOnlyDataIsRefusedAndLeftAlone(t *testing.T) {
	dir, err := os.MkdirTemp("", "headykey-faults-") // others must be able to come here
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	h := homeIn(filepath.Join(dir, "data"), "")
	s := start(t, h, config{})
	s.register(t, "jane")
	s.Stop(t, prompt)
	give(t, dir)
	for _, path := range []string{"headykey.db", "master.key", "server.lock", "."} {
		mode := fs.FileMode(0o400)
		if path == "." {
			mode = 0o500
		}
		must(t, os.Chmod(filepath.Join(h.Data, path), mode))
	}
	before := hashes(t, h.Data)
	cmd := h.Command(t, h.Serve(config{limits: true}.flags()...)...)
	house.Finish(t, house.AsNobody(t, cmd), "", prompt).Refusal(t, h.Data, "permission")
	if after := hashes(t, h.Data); !maps.Equal(before, after) {
		t.Error("the data directory was changed")
	}
}

// give makes dir the property of the user nobody, if we are root.
func give(t *testing.T, dir string) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	must(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, 65534, 65534)
	}))
}

func TestUnusableSurroundingsAreNamed(t *testing.T) {
	const password = "a-password-nobody-may-read"
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer taken.Close()
	nobodyThere := sprintURL("postgres", password, net.JoinHostPort("127.0.0.1", strconv.Itoa(freePort(t))), "/none")
	file := filepath.Join(t.TempDir(), "headykey.toml")
	tests := []struct {
		name  string
		dsn   string
		file  string // of settings
		more  []string
		words []string
	}{
		{"a taken port", "", "", []string{"--listen", taken.Addr().String()}, []string{taken.Addr().String(), "another program"}},
		{"no PostgreSQL", nobodyThere, "", nil, []string{"no PostgreSQL answers", "127.0.0.1", "start it"}},
		{"an address that cannot be read", "postgres://x:" + password + "@[::1/none", "", nil, []string{"database", "postgres://"}},
		{"a setting that nobody knows", "", "lisen = \"127.0.0.1:0\"\n", []string{"--config", file}, []string{file, "lisen", "listen"}},
		{"settings that cannot be read", "", "listen = \n", []string{"--config", file}, []string{file}},
		{"settings that are noise", "", "\x00\x01\x02", []string{"--config", file}, []string{file}},
		{"no settings where they should be", "", "", []string{"--config", "/nowhere/headykey.toml"}, []string{"/nowhere/headykey.toml"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			write(t, file, tt.file)
			h := homeIn(filepath.Join(t.TempDir(), "data"), tt.dsn)
			r := attempt(t, h, tt.more...)
			r.Refusal(t, tt.words...)
			if strings.Contains(r.Stdout+r.Stderr, password) {
				t.Error("the refusal shows the password of the database")
			}
		})
	}
}

func sprintURL(user, password, host, path string) string {
	return (&url.URL{Scheme: "postgres", User: url.UserPassword(user, password), Host: host, Path: path}).String()
}

// What PostgreSQL itself refuses is told in its words, without the password.
func TestUnusableDatabasesAreNamed(t *testing.T) {
	dsn := house.Database(t)
	t.Run("no such database", func(t *testing.T) {
		h := homeIn(t.TempDir(), house.InDatabase(t, dsn, "no_such_database"))
		attempt(t, h).Refusal(t, "no_such_database")
	})
	h := homeIn(t.TempDir(), dsn)
	start(t, h, config{}).Stop(t, prompt)
	t.Run("made by a later version", func(t *testing.T) {
		house.Execute(t, dsn, "INSERT INTO schema_versions (version_id, is_applied) VALUES (987654321, true)")
		before := tables(t, dsn)
		attempt(t, h).Refusal(t, "later version", "987654321")
		if after := tables(t, dsn); after != before {
			t.Errorf("the database was changed:\nbefore %s\nafter  %s", before, after)
		}
		house.Execute(t, dsn, "DELETE FROM schema_versions WHERE version_id = 987654321")
	})
	t.Run("sealed with another master key", func(t *testing.T) {
		other := homeIn(t.TempDir(), dsn)
		write(t, filepath.Join(other.Data, "master.key"), strings.Repeat("5a", 32)+"\n")
		attempt(t, other).Refusal(t, "another master key")
	})
	t.Run("sealed with a master key that is not here", func(t *testing.T) {
		other := homeIn(t.TempDir(), dsn)
		attempt(t, other).Refusal(t, "master key")
		if made := hashes(t, other.Data); len(made) > 0 {
			t.Errorf("a new master key was made, which opens nothing: %d files", len(made))
		}
	})
	t.Run("read-only", func(t *testing.T) {
		at, err := url.Parse(house.Database(t))
		must(t, err)
		at.RawQuery = "sslmode=disable&default_transaction_read_only=on"
		attempt(t, homeIn(t.TempDir(), at.String())).Refusal(t, "read-only")
	})
}

// tables returns a digest of what the database holds.
func tables(t *testing.T, dsn string) string {
	t.Helper()
	db, err := pgx.Connect(t.Context(), dsn)
	must(t, err)
	defer db.Close(context.Background())
	var digest string
	must(t, db.QueryRow(t.Context(), `SELECT md5(query_to_xml('SELECT * FROM signing_keys', true, false, '')::text ||
		query_to_xml('SELECT version_id, is_applied FROM schema_versions ORDER BY 1', true, false, '')::text ||
		(SELECT string_agg(table_name || column_name, ',' ORDER BY 1) FROM information_schema.columns WHERE table_schema = 'public'))`).Scan(&digest))
	return digest
}
