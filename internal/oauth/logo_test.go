package oauth

import (
	"bytes"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"strings"
	"testing"
)

// drawn is a grey picture of these sides, as encode spells it.
func drawn(t testing.TB, width, height int, encode func(io.Writer, image.Image) error) string {
	t.Helper()
	var out bytes.Buffer
	if err := encode(&out, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func asJPEG(w io.Writer, i image.Image) error { return jpeg.Encode(w, i, nil) }
func asGIF(w io.Writer, i image.Image) error  { return gif.Encode(w, i, nil) }

// webp is the beginning of a WebP file.
func webp(chunk, body string) string {
	return "RIFF\x00\x00\x00\x00WEBP" + chunk + "\x0a\x00\x00\x00" + body + strings.Repeat("\x00", 12)
}

func TestWhatIsALogo(t *testing.T) {
	small := drawn(t, 8, 4, png.Encode)
	tests := []struct {
		name, kind, body string
		ok               bool
	}{
		{"a PNG", "image/png", small, true},
		{"as large as may be", "image/png", drawn(t, 2048, 1, png.Encode), true},
		{"a JPEG", "image/jpeg", drawn(t, 8, 4, asJPEG), true},
		{"a GIF, with a parameter", "image/gif; charset=x", drawn(t, 8, 4, asGIF), true},
		{"a WebP", "image/webp", webp("VP8 ", "\x00\x00\x00\x9d\x01\x2a\xff\x47\x04\x00"), true}, // 2047 wide, to be scaled
		{"a WebP without loss", "image/webp", webp("VP8L", "\x2f\xff\xc7\x01\x00"), true},        // 2048 by 8
		{"a WebP with more in it", "image/webp", webp("VP8X", "\x00\x00\x00\x00\xff\x07\x00\xff\x07\x00"), true},

		{"a pixel too wide", "image/png", drawn(t, 2049, 1, png.Encode), false},
		{"too high", "image/jpeg", drawn(t, 1, 2049, asJPEG), false},
		{"a WebP too wide", "image/webp", webp("VP8X", "\x00\x00\x00\x00\x00\x08\x00\x00\x00\x00"), false},
		{"a WebP of nothing", "image/webp", webp("VP8 ", "\x00\x00\x00\x9d\x01\x2a\x00\x00\x04\x00"), false},
		{"a WebP of another kind", "image/webp", webp("ALPH", "\x2f"), false},
		{"half a WebP", "image/webp", "RIFF\x00\x00\x00\x00WEBP", false},
		{"a sound", "image/webp", strings.Replace(webp("VP8L", "\x2f"), "WEBP", "WAVE", 1), false},
		{"a drawing", "image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg"/>`, false},
		{"a page that says it is a picture", "image/png", "<script>alert(1)</script>", false},
		{"a picture that says it is a page", "text/html", small, false},
		{"a PNG that says it is a GIF", "image/gif", small, false},
		{"of no type", "", small, false},
		{"half a picture", "image/png", small[:20], false},
		{"nothing", "image/png", "", false},
	}
	for _, tt := range tests {
		if got, err := readLogo(tt.kind, []byte(tt.body)); (err == nil) != tt.ok || tt.ok && string(got.Body) != tt.body {
			t.Errorf("%s: got %v, %v", tt.name, got, err)
		}
	}
}

// Whatever a server sends, it is passed on as a picture of a known type or not at all.
func FuzzReadLogo(f *testing.F) {
	f.Add("image/png", []byte(drawn(f, 8, 4, png.Encode)))
	f.Add("image/jpeg", []byte(drawn(f, 8, 4, asJPEG)))
	f.Add("image/gif", []byte(drawn(f, 8, 4, asGIF)))
	f.Add("image/webp", []byte(webp("VP8L", "\x2f\xff\xc7\x01\x00")))
	f.Add("image/webp; x", []byte(webp("VP8X", "")))
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		l, err := readLogo(kind, body)
		if err == nil && (pictures[l.Type] == nil || !bytes.Equal(l.Body, body)) {
			t.Errorf("%q: got %q", kind, l.Type)
		}
	})
}
