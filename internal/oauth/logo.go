package oauth

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"mime"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/secret"
)

const (
	maxLogo     = 256 << 10 // bytes
	maxLogoSide = 2048      // pixels
)

// A Logo is the picture that a client shows people (OpenID Connect Registration §2,
// logo_uri).
type Logo struct {
	Type string // media type
	Body []byte // do not change it
}

// LogoVersion changes with the address of c's logo; "": it has none.
func LogoVersion(c *headykey.Client) string {
	if c.Details.LogoURI == "" {
		return ""
	}
	sum := secret.Hash(c.Details.LogoURI)
	return hex.EncodeToString(sum[:8])
}

// Logo returns the logo, as it is, of the client whose id and [LogoVersion] these
// are. It is read from the client's server if nobody asked for it lately, so that
// people's browsers tell that server nothing. It fails with headykey.ErrNotFound,
// whatever the reason: a logo is an ornament.
func (s *Service) Logo(ctx context.Context, id, version string) (*Logo, error) {
	known, err := headykey.ParseID(id)
	if err != nil {
		return nil, headykey.ErrNotFound
	}
	c, err := s.client(ctx, known)
	if err != nil {
		return nil, err
	}
	if version == "" || version != LogoVersion(c) || !c.Disabled.IsZero() {
		return nil, headykey.ErrNotFound
	}
	doc, err := s.Fetch.Get(ctx, c.Details.LogoURI, maxLogo, "image/png, image/jpeg, image/webp, image/gif")
	if err != nil {
		return nil, headykey.ErrNotFound
	}
	return readLogo(doc.ContentType, doc.Body)
}

// pictures read the size of what a logo may be, by media type. A drawing that may
// hold scripts (SVG) is not among them.
var pictures = map[string]func(io.Reader) (image.Config, error){
	"image/png": png.DecodeConfig, "image/jpeg": jpeg.DecodeConfig, "image/gif": gif.DecodeConfig, "image/webp": webpConfig,
}

// readLogo returns a picture that is of the type that its server says, and no larger
// than a logo needs to be: else headykey.ErrNotFound.
func readLogo(contentType string, body []byte) (*Logo, error) {
	kind, _, err := mime.ParseMediaType(contentType)
	read := pictures[kind]
	if err != nil || read == nil {
		return nil, headykey.ErrNotFound
	}
	c, err := read(bytes.NewReader(body))
	if err != nil || min(c.Width, c.Height) < 1 || max(c.Width, c.Height) > maxLogoSide {
		return nil, headykey.ErrNotFound
	}
	return &Logo{kind, body}, nil
}

// webpSide are the bits of a side in a WebP file without VP8X; those above say how to
// scale, or are of the other side.
const webpSide = 1<<14 - 1

var errNoWebP = errors.New("not a WebP picture")

// webpConfig reads the size in the header of a WebP file (RFC 9649 §2.4 to §2.7).
func webpConfig(r io.Reader) (image.Config, error) {
	var head [30]byte // the longest of three
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return image.Config{}, err
	}
	chunk, b := string(head[12:16]), head[20:]
	switch {
	case string(head[:4]) != "RIFF" || string(head[8:12]) != "WEBP":
	case chunk == "VP8X":
		return image.Config{Width: uint24(b[4:]) + 1, Height: uint24(b[7:]) + 1}, nil
	case chunk == "VP8 " && string(b[3:6]) == "\x9d\x01\x2a":
		return image.Config{Width: int(binary.LittleEndian.Uint16(b[6:]) & webpSide), Height: int(binary.LittleEndian.Uint16(b[8:]) & webpSide)}, nil
	case chunk == "VP8L" && b[0] == 0x2f:
		sides := binary.LittleEndian.Uint32(b[1:])
		return image.Config{Width: int(sides&webpSide) + 1, Height: int(sides>>14&webpSide) + 1}, nil
	}
	return image.Config{}, errNoWebP
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }
