package secret

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/binary"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/FastFilter/xorfilter"
)

//go:generate go run ./commongen

// commonData is the filter of common passwords, English words and names that
// commongen writes.
//
//go:embed common.bin
var commonData []byte

// Words shorter than this are too few letters to blame a password for.
const minWord = 4

// maxTrim is how many characters around a common word do not make it a password.
const maxTrim = 4

// CommonKey returns the key under which the filter of common passwords knows
// password: spellings that differ in case alone share one.
func CommonKey(password string) uint64 { return foldedKey(fold(password)) }

func foldedKey(folded string) uint64 {
	sum := sha256.Sum256([]byte(folded))
	return binary.BigEndian.Uint64(sum[:])
}

// fold returns the normalised text with one letter for all cases of it, as
// strings.EqualFold sees them: "k", "K" and the Kelvin sign are one, and nothing
// else becomes equal. For refusals only; what proves identity is never folded.
func fold(text string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			least = min(least, other)
		}
		return least
	}, Normalise(text))
}

// A commonList answers whether folded text is common. It holds 2 bytes a word; of
// texts it was not made of it calls one in 65,536 common.
type commonList struct{ filter *xorfilter.BinaryFuse[uint16] }

// loadCommon copies the filter out of the program, which takes microseconds.
func loadCommon() commonList {
	filter, err := xorfilter.LoadBinaryFuse[uint16](bytes.NewReader(commonData))
	if err != nil {
		panic("secret: the list of common passwords is damaged: " + err.Error())
	}
	return commonList{filter}
}

// has reports whether folded is on the list.
func (l commonList) has(folded string) bool {
	return utf8.RuneCountInString(folded) >= minWord && l.filter.Contains(foldedKey(folded))
}

// guessable reports whether folded is a common word, also when a few digits or
// marks stand around it, letters are written as look-alikes ("P@ssw0rd"), it is
// the same few characters again and again, or it counts up or down. One password
// asks the filter some eight times at most, so a good one is refused by chance once
// in 8,000 times.
func (l commonList) guessable(folded string) bool {
	if l.has(folded) || isSequence(folded) || l.has(plainLetters(folded)) {
		return true
	}
	if unit := period(folded); unit != folded && (utf8.RuneCountInString(unit) < minWord || l.guessable(unit)) {
		return true
	}
	unmarked := strings.TrimFunc(folded, isMark)
	tail := strings.TrimRightFunc(folded, isNotLetter)
	core := strings.TrimLeftFunc(tail, isNotLetter)
	return l.hasWithin(folded, unmarked) || l.hasWithin(folded, tail) || l.hasWithin(folded, core)
}

// hasWithin reports whether core is common and what stands around it in folded
// is short or common itself.
func (l commonList) hasWithin(folded, core string) bool {
	if len(core) == len(folded) || !l.has(core) && !l.has(plainLetters(core)) {
		return false
	}
	before, after, _ := strings.Cut(folded, core)
	rest := before + after
	return utf8.RuneCountInString(rest) <= maxTrim || l.has(rest) || isSequence(rest)
}

func isNotLetter(r rune) bool { return !unicode.IsLetter(r) }

func isMark(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }

// plainLetters replaces digits and marks by the folded letters they stand for.
func plainLetters(folded string) string {
	return strings.NewReplacer("@", "A", "4", "A", "3", "E", "1", "I", "!", "I", "0", "O", "$", "S", "5", "S", "7", "T").Replace(folded)
}

// isSequence reports whether each character follows the one before, up or down,
// as in "abcdefgh" and "87654321".
func isSequence(text string) bool {
	runes := []rune(text)
	if len(runes) < minWord {
		return false
	}
	step := runes[1] - runes[0]
	if step != 1 && step != -1 {
		return false
	}
	for i := 1; i < len(runes); i++ {
		if runes[i]-runes[i-1] != step {
			return false
		}
	}
	return true
}

// period returns the shortest text that, repeated, gives text: "abc" for
// "abcabcabc", and text itself if there is no shorter one.
func period(text string) string {
	at := strings.Index((text + text)[min(1, len(text)):], text)
	return text[:at+min(1, len(text))]
}
