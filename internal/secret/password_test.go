package secret

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

// b64 turns the hex of a published vector into the base64 of a PHC string.
func b64(t testing.TB, digits string) string {
	t.Helper()
	b, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawStdEncoding.EncodeToString(b)
}

func TestAPasswordVerifiesAgainstItsOwnHash(t *testing.T) {
	const password = "löyly ja saunan jälkeen 🧖"
	hash := HashPassword(password)
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") || NeedsUpgrade(hash) {
		t.Errorf("got %s, which is not what we mean to write", hash)
	}
	if ok, err := VerifyPassword(hash, password); !ok || err != nil {
		t.Errorf("the right password: got %t, %v", ok, err)
	}
	for _, wrong := range []string{"", password + " ", password[1:], strings.ToUpper(password)} {
		if ok, err := VerifyPassword(hash, wrong); ok || err != nil {
			t.Errorf("%q: got %t, %v, want false", wrong, ok, err)
		}
	}
	if HashPassword(password) == hash {
		t.Error("two hashes of one password are the same: the salt is not random")
	}
}

func TestOnePasswordTypedOnTwoKeyboardsIsOnePassword(t *testing.T) {
	const composed, decomposed = "caf\u00e9 au lait", "cafe\u0301 au lait"
	for made, typed := range map[string]string{composed: decomposed, decomposed: composed} {
		if ok, err := VerifyPassword(HashPassword(made), typed); !ok || err != nil {
			t.Errorf("made of %+q, typed %+q: got %t, %v, want true", made, typed, ok, err)
		}
	}
}

func TestAHashMadeElsewhereOfTextThatIsNotNormalVerifies(t *testing.T) {
	// PBKDF2-HMAC-SHA256 of "cafe\u0301", salt "salt", 1 iteration: made without
	// normalisation.
	hash := "$pbkdf2-sha256$i=1$c2FsdA$BrTbYuZxiGUak1FfCTge6AVOPVYgLOiDyghTT2zrKdg"
	if ok, err := VerifyPassword(hash, "cafe\u0301"); !ok || err != nil {
		t.Errorf("as it was typed there: got %t, %v, want true", ok, err)
	}
	if ok, err := VerifyPassword(hash, "caf\u00e9"); ok || err != nil {
		t.Errorf("as another keyboard types it: got %t, %v, want false", ok, err)
	}
}

// vectors are passwords and hashes published by others.
func vectors(t testing.TB) map[string]struct{ password, hash string } {
	return map[string]struct{ password, hash string }{
		"argon2id, reference implementation": {"password", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"},
		"argon2id, 64 MiB":                   {"password", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"},
		"argon2id, two lanes":                {"test", "$argon2id$v=19$m=32,t=3,p=2$SFVpOWJ0eXhjRzVkdGN1RQ$RXnb8rh7LaDcn07xsssqqulZYXOM/EUCEFMVcAcyYVk"},
		"argon2i, 16 bytes":                  {"test", "$argon2i$v=19$m=16,t=2,p=1$bGJRWThNOHJJTVBSdHl2dQ$NfEnUOuUpb7F2fQkgFUG4g"},
		"bcrypt 2a":                          {"U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
		"bcrypt 2b":                          {"U*U", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
		"bcrypt 2y":                          {"U*U", "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"},
		"scrypt, RFC 7914 §12": {"pleaseletmein", "$scrypt$ln=14,r=8,p=1$" + base64.RawStdEncoding.EncodeToString([]byte("SodiumChloride")) + "$" +
			b64(t, "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887")},
		"scrypt, p of 16": {"password", "$scrypt$ln=10,r=8,p=16$" + base64.RawStdEncoding.EncodeToString([]byte("NaCl")) + "$" +
			b64(t, "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640")},
		"PBKDF2-SHA1, RFC 6070":           {"password", "$pbkdf2-sha1$i=4096$c2FsdA$" + b64(t, "4b007901b765489abead49d926f721d065a429c1")},
		"PBKDF2-SHA256, RFC 7914 §11":     {"passwd", "$pbkdf2-sha256$i=1$c2FsdA$" + b64(t, "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783")},
		"PBKDF2-SHA256, padded, length":   {"passwd", "$pbkdf2-sha256$i=1,l=64$c2FsdA==$" + b64(t, "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783") + "=="},
		"PBKDF2-SHA512":                   {"password", "$pbkdf2-sha512$i=1$c2FsdA$" + b64(t, "867f70cf1ade02cff3752599a3a53dc4af34c7a669815ae5d513554e1c8cf252c02d470a285a0501bad999bfe943c08f050235d7d68b1da55e63f73b60a57fce")},
		"Firebase, its own documentation": {"user1password", "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="},
		"Firebase, as Supabase writes it": {"mytestpassword", "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=ou9tdYTGyYm8kuR6Dt0Bp0kDuAYoXrK16mbZO4yGwAn3oLspjnN0/c41v8xZnO1n14J3MjKj1b2g6AUCAlFwMw==$C0sHCg9ek77hsg==$zKVTMvnWVw5BBOZNUdnsalx4c4c7y/w7IS5p6Ut2+CfEFFlz37J9huyQfov4iizN8dbjvEJlM5tQaJP84+hfTw=="},
	}
}

func TestHashesOfOthersVerifyAndAreToBeUpgraded(t *testing.T) {
	for name, v := range vectors(t) {
		t.Run(name, func(t *testing.T) {
			if err := CheckHash(v.hash); err != nil {
				t.Errorf("import: %v", err)
			}
			if ok, err := VerifyPassword(v.hash, v.password); !ok || err != nil {
				t.Errorf("the right password: got %t, %v", ok, err)
			}
			if ok, err := VerifyPassword(v.hash, v.password+"x"); ok || err != nil {
				t.Errorf("a wrong password: got %t, %v", ok, err)
			}
			if !NeedsUpgrade(v.hash) {
				t.Error("it does not want an upgrade")
			}
		})
	}
}

func TestAnEmptyHashMatchesNothing(t *testing.T) {
	for _, password := range []string{"", "anything"} {
		if ok, err := VerifyPassword("", password); ok || err != nil {
			t.Errorf("%q: got %t, %v, want false", password, ok, err)
		}
	}
}

func TestHashesThatAreDamagedUnknownOrTooCostlyAreRefused(t *testing.T) {
	const (
		salt = "c29tZXNhbHQ"
		sum  = "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
		tail = "$" + salt + "$" + sum
	)
	for name, hash := range map[string]string{
		"plain text":                    "hunter2",
		"a dollar":                      "$",
		"dollars":                       "$$$$$",
		"MD5 crypt":                     "$1$abcdefgh$0123456789abcdefghijkl",
		"argon2d":                       "$argon2d$v=19$m=256,t=2,p=1" + tail,
		"argon2 without a version":      "$argon2id$m=256,t=2,p=1" + tail,
		"argon2 of an old version":      "$argon2id$v=16$m=256,t=2,p=1" + tail,
		"argon2 out of order":           "$argon2id$v=19$t=2,m=256,p=1" + tail,
		"argon2 with a parameter more":  "$argon2id$v=19$m=256,t=2,p=1,x=1" + tail,
		"argon2 without passes":         "$argon2id$v=19$m=256,t=0,p=1" + tail,
		"argon2 without lanes":          "$argon2id$v=19$m=256,t=2,p=0" + tail,
		"argon2 with too little memory": "$argon2id$v=19$m=8,t=2,p=2" + tail,
		"argon2 beyond 1 GiB":           "$argon2id$v=19$m=1048577,t=1,p=1" + tail,
		"argon2 beyond 100 passes":      "$argon2id$v=19$m=256,t=101,p=1" + tail,
		"argon2 beyond 16 lanes":        "$argon2id$v=19$m=256,t=1,p=17" + tail,
		"argon2 with much of all":       "$argon2id$v=19$m=1048576,t=100,p=16" + tail,
		"argon2 with a negative":        "$argon2id$v=19$m=-256,t=2,p=1" + tail,
		"argon2 beyond 32 bits":         "$argon2id$v=19$m=4294967552,t=2,p=1" + tail,
		"argon2 without a salt":         "$argon2id$v=19$m=256,t=2,p=1$$" + sum,
		"argon2 without a hash":         "$argon2id$v=19$m=256,t=2,p=1$" + salt + "$",
		"argon2 with a hash of 8 bytes": "$argon2id$v=19$m=256,t=2,p=1$" + salt + "$AAAAAAAAAAA",
		"argon2 with bad base64":        "$argon2id$v=19$m=256,t=2,p=1$" + salt + "$*" + sum,
		"argon2 with a line break":      "$argon2id$v=19$m=256,t=2,p=1$" + salt + "$" + sum + "\n",
		"argon2 with more to it":        "$argon2id$v=19$m=256,t=2,p=1" + tail + "$",
		"bcrypt too short":              "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe",
		"bcrypt too long":               "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeWW",
		"bcrypt with a stray character": "$2a$05$CCCCCCCCCCCC!CCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"bcrypt of the broken kind":     "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"bcrypt of cost 17":             "$2a$17$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"bcrypt of cost 31":             "$2a$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
		"scrypt of 2 GiB":               "$scrypt$ln=21,r=8,p=1" + tail,
		"scrypt of many blocks":         "$scrypt$ln=1,r=1024,p=1024,x=1" + tail,
		"scrypt whose cost overflows":   "$scrypt$ln=23,r=1024,p=1024" + tail,
		"scrypt of no cost":             "$scrypt$ln=0,r=8,p=1" + tail,
		"PBKDF2 of a billion":           "$pbkdf2-sha256$i=1000000000" + tail,
		"PBKDF2 long and slow":          "$pbkdf2-sha1$i=9000000" + tail,
		"PBKDF2 of nothing":             "$pbkdf2-sha256$i=0" + tail,
		"PBKDF2 with a wrong length":    "$pbkdf2-sha256$i=1,l=31" + tail,
		"PBKDF2 of MD5":                 "$pbkdf2-md5$i=1000" + tail,
		"Firebase, everything empty":    "$fbscrypt$v=1,n=14,r=8,p=1,ss=,sk=$42xEC+ixf3L2lw==$",
		"Firebase, key and hash differ": "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=AAAAAAAAAAAAAAAAAAAAAA==" + tail,
		"Firebase of version 2":         "$fbscrypt$v=2,n=14,r=8,p=1,ss=Bw==,sk=" + sum + tail,
		"longer than a kilobyte":        "$argon2id$v=19$m=256,t=2,p=1$" + salt + "$" + strings.Repeat("A", 1024),
	} {
		if ok, err := VerifyPassword(hash, "password"); ok || !errors.Is(err, ErrUnusableHash) {
			t.Errorf("%s: got %t, %v, want ErrUnusableHash", name, ok, err)
		}
		if err := CheckHash(hash); err == nil || strings.Contains(err.Error(), sum) {
			t.Errorf("%s: got %v, want an error without the hash", name, err)
		}
	}
}

func TestNeedsUpgradeSeesOtherParameters(t *testing.T) {
	for hash, want := range map[string]bool{
		dummyHash: false,
		"":        true,
		strings.Replace(dummyHash, "m=19456", "m=19457", 1):   true,
		strings.Replace(dummyHash, "argon2id", "argon2i", 1):  true,
		dummyHash[:len(dummyHash)-22]:                         true,
		"$2a$10$XajjQvNhvvRt5GSeFk1xFeyqRrsxkhBkUiQeg0dt.wU1": true,
	} {
		if got := NeedsUpgrade(hash); got != want {
			t.Errorf("%s: got %t, want %t", hash, got, want)
		}
	}
}

func FuzzParseHashNeverPanicsAndRefusesWithOneError(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.hash)
	}
	f.Add("")
	f.Add("$argon2id$v=19$m=,t=,p=$$")
	f.Fuzz(func(t *testing.T, hash string) {
		matches, err := parse(hash)
		if (matches == nil) == (err == nil) || err != nil && !errors.Is(err, ErrUnusableHash) {
			t.Errorf("%q: got %t, %v", hash, matches != nil, err)
		}
	})
}
