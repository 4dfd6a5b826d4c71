package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

const (
	logHead   = 32 // bytes before the first frame (SQLite file format §4.1)
	frameHead = 24 // bytes before each frame's page
	logMagic  = 0x377f0682
)

// errLogDamaged reports a write-ahead log whose damage SQLite itself would pass
// over: it takes the first frame that does not fit for the end and forgets all
// commits behind it.
var errLogDamaged = errors.New("the write-ahead log is damaged in front of commits that were acknowledged")

// checkLog refuses a log that lost commits to damage. One that merely ends in the
// middle of a commit, as a power cut leaves it, is sound: nobody was told of that
// commit. A log that another process is writing is looked at again before it is
// blamed.
func checkLog(path string) error {
	var before [3]uint64
	for range 3 {
		text, err := os.ReadFile(path) //nolint:gosec // the operator's own path
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the write-ahead log: %w", err)
		}
		at, damaged := logDamage(text)
		if !damaged {
			return nil
		}
		now := [3]uint64{binary.BigEndian.Uint64(text[16:]), binary.BigEndian.Uint64(text[24:]), uint64(at)}
		if now == before {
			return fmt.Errorf("%s: %w", path, errLogDamaged)
		}
		before = now
		time.Sleep(50 * time.Millisecond)
	}
	return nil // somebody is at work in it
}

// logDamage returns the first frame that does not fit, and whether a whole commit
// and more stand behind it. Each commit is synced before the next begins, so what
// a power cut tears is the last one.
func logDamage(text []byte) (frame int, damaged bool) {
	if len(text) < logHead {
		return 0, false // no frame was ever written
	}
	magic := binary.BigEndian.Uint32(text)
	order := binary.ByteOrder(binary.LittleEndian)
	if magic&1 == 1 {
		order = binary.BigEndian
	}
	sum := logSum(order, [2]uint32{}, text[:24])
	if magic&^1 != logMagic || sum != sumAt(text[24:]) {
		return 0, len(text) > logHead
	}
	size := frameHead + int(binary.BigEndian.Uint32(text[8:]))
	salt := binary.BigEndian.Uint64(text[16:])
	bad, commits := -1, 0
	for n, rest := 0, text[logHead:]; len(rest) >= size; n, rest = n+1, rest[size:] {
		ours := binary.BigEndian.Uint64(rest[8:]) == salt
		if bad < 0 {
			sum = logSum(order, logSum(order, sum, rest[:8]), rest[frameHead:size])
			if ours && sum == sumAt(rest[16:]) {
				continue
			}
			bad = n
		}
		if !ours {
			continue
		}
		if commits > 0 {
			return bad, true
		}
		if binary.BigEndian.Uint32(rest[4:]) != 0 {
			commits++
		}
	}
	return 0, false
}

func sumAt(b []byte) [2]uint32 {
	return [2]uint32{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])}
}

// logSum is the checksum of SQLite's log, continued from s (file format §4.2).
func logSum(order binary.ByteOrder, s [2]uint32, b []byte) [2]uint32 {
	for ; len(b) >= 8; b = b[8:] {
		s[0] += order.Uint32(b) + s[1]
		s[1] += order.Uint32(b[4:]) + s[0]
	}
	return s
}
