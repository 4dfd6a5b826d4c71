package web

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
)

// Document serves text, JSON that is the same for all and at every time; who has it
// already is told so.
func Document(text []byte) http.Handler {
	etag := ETag(text)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { ServeDocument(w, r, text, etag) })
}

// ETag returns a strong validator of text (RFC 9110 §8.8.3), with its quotes.
func ETag(text []byte) string {
	sum := sha256.Sum256(text)
	return `"` + hex.EncodeToString(sum[:8]) + `"`
}

// ServeDocument answers with text, public JSON whose validator is etag, or with 304
// for who has it already. It may be kept for ten minutes.
func ServeDocument(w http.ResponseWriter, r *http.Request, text []byte, etag string) {
	h := w.Header()
	h["Etag"] = []string{etag}
	h["Cache-Control"] = publicDocument
	h["Cross-Origin-Resource-Policy"] = crossOrigin
	if strings.Contains(r.Header.Get("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	ReplyBytes(w, http.StatusOK, text)
}
