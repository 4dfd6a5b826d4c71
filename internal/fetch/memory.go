package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	keepLeast = 55 * time.Second // a document is kept, whatever its server says
	keepMost  = time.Hour
	keepOther = 5 * time.Minute // when its server says nothing
	pause     = 5 * time.Second // between two attempts at one document

	maxKnown    = 21 << 20 // bytes of all documents that are kept
	leastWeight = 8 << 10  // bytes that each counts for: so there are at most 2688
)

// A wish is a document as somebody wants it. What another asked for with another
// bound is no answer to it.
type wish struct {
	url, accept string
	most        int64 // bytes
}

func (w wish) key() string {
	return strconv.FormatInt(w.most, 10) + " " + strconv.Quote(w.accept) + " " + w.url
}

// A memory is how the attempts at one document ended.
type memory struct {
	doc   *Document // nil: we never had it
	until time.Time // when doc is stale
	tried time.Time // when the last attempt ended
	err   error     // how it failed, or nil
}

// weigh counts the bytes of m, small ones for more than they are.
func weigh(key string, m *memory) uint32 {
	if m.doc == nil {
		return leastWeight
	}
	return uint32(max(leastWeight, min(maxKnown, len(key)+len(m.doc.Body)+len(m.doc.ContentType))))
}

func (m *memory) recent() bool { return time.Since(m.tried) < pause }

func (m *memory) fresh() bool { return m.doc != nil && time.Now().Before(m.until) }

// answer returns the document while it is fresh, else the last failure.
func (m *memory) answer() (*Document, error) {
	if m.fresh() {
		return m.doc, nil
	}
	return nil, m.err
}

// Get returns the document at url, of at most so many bytes; accept is what the
// Accept header says. It is kept as long as Cache-Control max-age says (RFC 9111
// §5.2.2.1), but at least 55 seconds and at most an hour, and 5 minutes if that
// says nothing. A failure is kept for 5 seconds. All who want it at once share
// one request, which goes on when ctx ends.
//
// It fails with ErrRefused if url may not be fetched; with ErrStatus if the
// answer is not 200, and no redirect is followed; with ErrTooLarge; and with
// ErrUnreachable, also when ctx ends.
func (c *Client) Get(ctx context.Context, url string, most int64, accept string) (*Document, error) {
	return c.get(ctx, wish{url, accept, most}, (*memory).fresh)
}

// Refetch is Get without regard to what is kept, for a document that should say
// more by now; but for 5 seconds after an attempt it answers as Get would.
func (c *Client) Refetch(ctx context.Context, url string, most int64, accept string) (*Document, error) {
	return c.get(ctx, wish{url, accept, most}, (*memory).recent)
}

// get answers from a memory that is good enough, or that no new attempt may
// follow yet.
// Once is Get past everything that is kept, and keeps nothing: for a document that is
// another each time, such as a request object. It fails as Get does.
func (c *Client) Once(ctx context.Context, url string, most int64, accept string) (*Document, error) {
	doc, _, err := c.load(ctx, wish{url, accept, most})
	return doc, err
}

func (c *Client) get(ctx context.Context, w wish, enough func(*memory) bool) (*Document, error) {
	if err := c.Check(w.url); err != nil {
		return nil, err
	}
	key := w.key()
	if m, ok := c.known.GetIfPresent(key); ok && (enough(m) || m.recent()) {
		return m.answer()
	}
	flight := c.flights.DoChan(key, func() (any, error) { return c.fly(key, w) })
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, ctx.Err())
	case landed := <-flight:
		doc, _ := landed.Val.(*Document)
		return doc, landed.Err
	}
}

// fly makes an attempt, unless one ended since its caller looked, and remembers
// how it went. A failure that is ours alone is not held against the server.
func (c *Client) fly(key string, w wish) (*Document, error) {
	old, ok := c.known.GetIfPresent(key)
	if ok && old.recent() {
		return old.answer()
	}
	doc, keep, err := c.load(c.life, w)
	if errors.Is(err, errBusy) || c.life.Err() != nil {
		return nil, err
	}
	now := time.Now()
	m := &memory{doc: doc, until: now.Add(keep), tried: now, err: err}
	if err != nil && ok {
		m.doc, m.until = old.doc, old.until
	}
	c.known.Set(key, m)
	return doc, err
}

// lifeOf returns how long an answer with this header is kept.
func lifeOf(h http.Header) time.Duration {
	said := strings.Join(h.Values("Cache-Control"), ",")
	if strings.TrimSpace(said) == "" {
		return keepOther
	}
	keep := keepOther
	for directive := range strings.SplitSeq(said, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		switch strings.ToLower(name) {
		case "no-store", "no-cache":
			return keepLeast
		case "max-age":
			keep = seconds(strings.Trim(value, `"`))
		}
	}
	return min(max(keep, keepLeast), keepMost)
}

// seconds reads a count of seconds (RFC 9111 §1.2.2), no greater than it matters
// here; what is no count is zero.
func seconds(text string) time.Duration {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0
	}
	return time.Duration(min(n, uint64(keepMost/time.Second))) * time.Second
}
