package secret

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// reasons returns why CheckPassword refuses; nil if it does not.
func reasons(t testing.TB, err error) []Weakness {
	t.Helper()
	if err == nil {
		return nil
	}
	weak, ok := errors.AsType[*WeakPassword](err)
	if !ok {
		t.Fatalf("got %T, want *WeakPassword", err)
	}
	return weak.Reasons
}

func TestLengthIsCountedInCharactersOnceNormalised(t *testing.T) {
	for name, c := range map[string]struct {
		password string
		want     []Weakness
	}{
		"nothing":                    {"", []Weakness{TooShort}},
		"seven":                      {"vq7#kzw", []Weakness{TooShort}},
		"eight":                      {"vq7#kzwp", nil},
		"eight beyond ASCII":         {"þæðvuxøœ", nil},
		"eight of which two combine": {"vq7#kze\u0301", []Weakness{TooShort}},
		"1024":                       {strings.Repeat("vq7#kzw!", 127) + "abHdefxh", nil},
		"1025":                       {strings.Repeat("vq7#kzw!", 127) + "abHdefxhi", []Weakness{TooLong}},
		"short and common":           {"qwerty", []Weakness{TooShort, TooCommon}},
	} {
		if got := reasons(t, CheckPassword(c.password)); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}

func TestWhatIsNotTextIsRefused(t *testing.T) {
	for name, password := range map[string]string{
		"broken UTF-8":   "vq7#kzwp\xff",
		"NUL":            "vq7#kz\x00wp",
		"a line break":   "vq7#kz\nwp",
		"C1 control":     "vq7#kz\u0085wp",
		"half surrogate": "vq7#kz\xed\xa0\x80wp",
	} {
		if got := reasons(t, CheckPassword(password)); !slices.Equal(got, []Weakness{NotText}) {
			t.Errorf("%s: got %v, want invalid", name, got)
		}
	}
}

func TestCommonPasswordsAreRefusedHoweverTheyAreDressed(t *testing.T) {
	for _, password := range []string{
		"password", "PASSWORD", "Password1!", "password123", "password12345", "123password!", "P@ssw0rd1!", "pa\u017f\u017fword",
		"qwertyuiop", "12345678", "87654321", "abcdefghijkl", "aaaaaaaaaaaa", "abcabcabcabc", "passwordpassword",
		"iloveyou2", "Trustno1!", "football99", "elephant1!", "Elizabeth1990", "password1234567890",
	} {
		if got := reasons(t, CheckPassword(password)); !slices.Equal(got, []Weakness{TooCommon}) {
			t.Errorf("%q: got %v, want common", password, got)
		}
	}
}

func TestStrongPasswordsAreNotRefused(t *testing.T) {
	for _, password := range []string{
		"correct horse battery staple", "purple elephant umbrella", "vQ7#kzwPx2", "hunter-gatherer-lamp-9",
		"elephant84729163", "password of my late aunt", "Zwölf Boxkämpfer jagen Eva", "密码是很长的一句话",
		"3f9c1b7a52e84d06", "correcthorsebatterystaple", "   spaces count too   ", "🦉🐋🍵🪁🧊🛶🥁🪐",
	} {
		if err := CheckPassword(password, "ada.lovelace@example.com", "Ada Lovelace"); err != nil {
			t.Errorf("%q: got %v, want nil", password, err)
		}
	}
}

func TestPasswordsMadeOfThePersonAreRefused(t *testing.T) {
	const email, name = "zoltan.kovacsik@bartokhaz.example", "Zoltán Kovácsik-Émile"
	for _, password := range []string{
		"zoltan.kovacsik@bartokhaz.example", "Zoltan.Kovacsik", "zoltan.kovacsik#4711", "kovacsikzoltan", "KOVÁCSIK7391x",
		"bartokhaz-712", "émile-ÉMILE9q", "headykey2026xq", "my-HeadyKey",
	} {
		if got := reasons(t, CheckPassword(password, email, name)); !slices.Contains(got, TooPersonal) {
			t.Errorf("%q: got %v, want context", password, got)
		}
	}
	for _, password := range []string{
		"zoltan walks through the rain", "a headykey under the door mat", "bob likes cold tea",
	} {
		if err := CheckPassword(password, email, name, "bob@x.io"); err != nil {
			t.Errorf("%q: got %v, want nil", password, err)
		}
	}
}

func TestAWeakPasswordDoesNotShowItself(t *testing.T) {
	err := CheckPassword("qwerty")
	if got, want := err.Error(), "weak password: too_short, common"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFoldJoinsCasesAndNothingElse(t *testing.T) {
	for a, b := range map[string]string{"k": "\u212a", "S": "\u017f", "é": "E\u0301", "ß": "ẞ", "σ": "ς"} {
		if fold(a) != fold(b) {
			t.Errorf("%+q and %+q: got %+q and %+q, want one", a, b, fold(a), fold(b))
		}
	}
	for a, b := range map[string]string{"i": "ı", "I": "İ", "a": "á", "ss": "ß"} {
		if fold(a) == fold(b) {
			t.Errorf("%+q and %+q are one: %+q", a, b, fold(a))
		}
	}
}

func FuzzCheckPasswordIsSteadyAndRefusesOtherCasesToo(f *testing.F) {
	f.Add("Password1!", "ada@example.com")
	f.Add("\xff", "")
	f.Add("ab\u0301ab\u0301", "ab")
	f.Add("12345678", "1234")
	f.Fuzz(func(t *testing.T, password, context string) {
		got := reasons(t, CheckPassword(password, context))
		if !utf8.ValidString(password) && !slices.Equal(got, []Weakness{NotText}) {
			t.Errorf("%q: got %v, want invalid", password, got)
		}
		if again := reasons(t, CheckPassword(Normalise(password), context)); !slices.Equal(got, again) {
			t.Errorf("%q: got %v, and %v when normalised", password, got, again)
		}
	})
}

func BenchmarkCheckPassword(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if err := CheckPassword("correct horse battery staple", "ada.lovelace@example.com", "Ada Lovelace"); err != nil {
			b.Fatal(err)
		}
	}
}
