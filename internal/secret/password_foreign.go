package secret

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/scrypt"
)

// The most that checking one hash may cost, whoever wrote it: some ten seconds of
// one core and 1 GiB. Every limit is far above what is recommended for sign-in.
const (
	maxArgon2Memory  = 1 << 20 // KiB
	maxArgon2Time    = 100     // passes
	maxArgon2Threads = 16
	maxArgon2Work    = 4 << 20    // KiB times passes
	maxBcryptCost    = 16         // log2 of rounds
	maxScryptWork    = 1 << 23    // N times r times p; 128 bytes each are held
	maxPBKDF2Work    = 10_000_000 // iterations times blocks
)

// readArgon2 reads $argon2id$v=19$m=…,t=…,p=…$salt$hash (RFC 9106; argon2i alike).
func readArgon2(parts []string) (check, error) {
	if len(parts) != 6 || parts[2] != "v=19" {
		return nil, unusable("argon2: want $argon2id$v=19$m=…,t=…,p=…$salt$hash")
	}
	r := readParams(parts[3], "m", "t", "p")
	memory, passes, threads := r.number(8, maxArgon2Memory), r.number(1, maxArgon2Time), r.number(1, maxArgon2Threads)
	salt, want := r.decode(parts[4], 1, maxSalt), r.decode(parts[5], minHash, maxHash)
	if r.bad || memory < 8*threads {
		return nil, unusable("argon2: parameters, salt or hash")
	}
	if memory*passes > maxArgon2Work {
		return nil, unusable("argon2: too costly")
	}
	derive := argon2.IDKey
	if parts[1] == "argon2i" {
		derive = argon2.Key
	}
	return func(password []byte) (bool, error) {
		return Equal(want, derive(password, salt, uint32(passes), uint32(memory), uint8(threads), uint32(len(want)))), nil
	}, nil
}

// readBcrypt reads the 60 characters of $2a$, $2b$ or $2y$.
func readBcrypt(parts []string) (check, error) {
	const length, alphabet = 60, "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	text := []byte(strings.Join(parts, "$"))
	cost, err := bcrypt.Cost(text)
	if err != nil || len(text) != length || len(parts) != 4 || strings.Trim(parts[3], alphabet) != "" {
		return nil, unusable("bcrypt: damaged")
	}
	if cost > maxBcryptCost {
		return nil, unusable("bcrypt: too costly")
	}
	return func(password []byte) (bool, error) {
		err := bcrypt.CompareHashAndPassword(text, password)
		if errors.Is(err, bcrypt.ErrMismatchedHashAndPassword) {
			return false, nil
		}
		return err == nil, err
	}, nil
}

// readScrypt reads $scrypt$ln=…,r=…,p=…$salt$hash (RFC 7914), ln being log2 of N.
func readScrypt(parts []string) (check, error) {
	if len(parts) != 5 {
		return nil, unusable("scrypt: want $scrypt$ln=…,r=…,p=…$salt$hash")
	}
	r := readParams(parts[2], "ln", "r", "p")
	cost := readScryptCost(r)
	salt, want := r.decode(parts[3], 1, maxSalt), r.decode(parts[4], minHash, maxHash)
	if r.bad {
		return nil, unusable("scrypt: parameters, salt or hash")
	}
	return func(password []byte) (bool, error) {
		got, err := cost.derive(password, salt, len(want))
		return err == nil && Equal(got, want), err
	}, nil
}

// readFirebase reads the modified scrypt of Firebase, as Supabase Auth writes it:
// $fbscrypt$v=1,n=…,r=…,p=1,ss=salt separator,sk=signer key$salt$hash. The scrypt
// key encrypts the project's signer key with AES-256-CTR, and that is the hash.
func readFirebase(parts []string) (check, error) {
	if len(parts) != 5 {
		return nil, unusable("fbscrypt: want $fbscrypt$v=1,n=…,r=…,p=…,ss=…,sk=…$salt$hash")
	}
	r := readParams(parts[2], "v", "n", "r", "p", "ss", "sk")
	r.number(1, 1)
	cost := readScryptCost(r)
	separator, signer := r.decode(r.next(), 0, maxSalt), r.decode(r.next(), minHash, maxHash)
	salt, want := r.decode(parts[3], 1, maxSalt), r.decode(parts[4], minHash, maxHash)
	if r.bad || len(want) != len(signer) {
		return nil, unusable("fbscrypt: parameters, salt or hash")
	}
	salted := bytes.Join([][]byte{salt, separator}, nil)
	return func(password []byte) (bool, error) {
		key, err := cost.derive(password, salted, 32)
		if err != nil {
			return false, err
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return false, err
		}
		got := make([]byte, len(signer))
		cipher.NewCTR(block, make([]byte, aes.BlockSize)).XORKeyStream(got, signer)
		return Equal(got, want), nil
	}, nil
}

// A scryptCost is N, r and p of RFC 7914 §2.
type scryptCost struct{ n, r, p int }

// readScryptCost takes log2 of N, r and p, and bounds their product.
func readScryptCost(r *reader) scryptCost {
	c := scryptCost{1 << r.number(1, 23), r.number(1, 1<<10), r.number(1, 1<<10)}
	if int64(c.n)*int64(c.r)*int64(c.p) > maxScryptWork {
		r.bad = true
	}
	return c
}

// derive returns size bytes made of password and salt.
func (c scryptCost) derive(password, salt []byte, size int) ([]byte, error) {
	return scrypt.Key(password, salt, c.n, c.r, c.p, size)
}

// readPBKDF2 reads $pbkdf2-sha256$i=…$salt$hash (RFC 8018 §5.2; sha1 and sha512
// alike). The length of the hash may be given too, as in i=600000,l=32.
func readPBKDF2(parts []string) (check, error) {
	if len(parts) != 5 {
		return nil, unusable("pbkdf2: want $pbkdf2-sha256$i=…$salt$hash")
	}
	digest := digests[parts[1]]
	var text reader
	salt, want := text.decode(parts[3], 1, maxSalt), text.decode(parts[4], minHash, maxHash)
	params := readParams(strings.TrimSuffix(parts[2], fmt.Sprintf(",l=%d", len(want))), "i")
	iterations := params.number(1, maxPBKDF2Work)
	if text.bad || params.bad {
		return nil, unusable("pbkdf2: parameters, salt or hash")
	}
	width := digest().Size()
	if blocks := (len(want) + width - 1) / width; iterations*blocks > maxPBKDF2Work {
		return nil, unusable("pbkdf2: too costly")
	}
	return func(password []byte) (bool, error) {
		got, err := pbkdf2.Key(digest, string(password), salt, iterations, len(want))
		return err == nil && Equal(got, want), err
	}, nil
}

// digests are the hash functions of PBKDF2 by the name of the format.
var digests = map[string]func() hash.Hash{
	"pbkdf2-sha1":   sha1.New,
	"pbkdf2-sha256": sha256.New,
	"pbkdf2-sha512": sha512.New,
}
