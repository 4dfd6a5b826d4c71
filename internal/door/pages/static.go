package pages

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strconv"

	"headykey.com/headykey"
)

//go:embed static
var static embed.FS

// types are the kinds of static files there are.
var types = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// assets are the static files. Their address holds the hash of them all, so that
// browsers may keep them for ever and a style sheet may name its neighbours.
type assets struct {
	version string
	files   map[string][]byte
}

func newAssets() assets {
	a := assets{files: map[string][]byte{}}
	all := sha256.New()
	entries, _ := static.ReadDir("static") // it is in the program
	for _, e := range entries {
		body, _ := static.ReadFile("static/" + e.Name())
		a.files[e.Name()] = body
		sum := sha256.Sum256(body)
		all.Write([]byte(e.Name()))
		all.Write(sum[:])
	}
	a.version = hex.EncodeToString(all.Sum(nil)[:8])
	return a
}

// path returns the address of the file called name.
func (a assets) path(name string) string { return "/static/" + a.version + "/" + name }

func (d *door) asset(w http.ResponseWriter, r *http.Request, _ headykey.Caller) error {
	name := r.PathValue("name")
	body, ok := d.assets.files[name]
	if !ok || r.PathValue("version") != d.assets.version {
		return headykey.ErrNotFound
	}
	h := w.Header()
	h.Set("Content-Type", types[path.Ext(name)])
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(body) // the client is gone: nobody is left to tell
	return nil
}
