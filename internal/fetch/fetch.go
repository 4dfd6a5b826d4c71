// Package fetch is our only way out by HTTP: it reads and posts to addresses that
// strangers gave us, and reaches nothing that is not public unless the operator
// said so. What was checked is what is dialled: the check sees the address that a
// name was resolved to, and every request has a connection of its own.
//
// Errors wrap one of the sentinels and say more than a stranger should read:
// they are for the log.
package fetch

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"
)

const (
	dialLimit = 2 * time.Second // resolving the name and connecting
	tlsLimit  = 3 * time.Second // TLS handshake
	limit     = 5 * time.Second // a whole request, from dialling to the last byte
	maxHeader = 8 << 10         // bytes of an answer's header
	maxWaste  = 5 << 10         // bytes that are read of an answer to a Post
	userAgent = "HeadyKey"
)

// Why a fetch failed. Compare with [errors.Is]; the text around them names hosts
// and addresses.
var (
	ErrRefused     = errors.New("address may not be fetched")
	ErrTooLarge    = errors.New("document is too large")
	ErrUnreachable = errors.New("server cannot be reached")
	ErrStatus      = errors.New("server answered with an unwanted status")
)

// A Config says what a Client may do beyond the public internet.
type Config struct {
	Allow []string       // hosts, host:port or networks that may be private, and spoken to by plain http: see ParseAllow
	Roots *x509.CertPool // whom to trust; nil: the system's roots
}

// A Document is what a server answered. Callers share it: do not change it.
type Document struct {
	Body        []byte
	ContentType string // as the server spelled it; may be empty
}

// An Answer is what a server said to what was posted.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// A Client fetches. It is safe for concurrent use; at most 34 requests are under
// way, at most 5 of them to one host.
type Client struct {
	rules     rules
	transport *http.Transport // not an http.Client: it follows no redirect and keeps no cookie
	gate      *gate
	known     *otter.Cache[string, *memory]
	flights   singleflight.Group
	life      context.Context // ends with Close
	end       context.CancelFunc
}

// New returns a client. It fails if an entry of c.Allow cannot be read. Close it.
func New(c Config) (*Client, error) {
	known, err := otter.New(&otter.Options[string, *memory]{MaximumWeight: maxKnown, Weigher: weigh})
	if err != nil {
		return nil, fmt.Errorf("cache of documents: %w", err)
	}
	client := &Client{known: known, gate: &gate{all: semaphore.NewWeighted(maxOpen), hosts: map[string]*host{}}}
	for _, entry := range c.Allow {
		r, err := parseRule(entry)
		if err != nil {
			return nil, fmt.Errorf("allowed host: %w", err)
		}
		client.rules = append(client.rules, r)
	}
	client.transport = &http.Transport{
		DialContext:            client.dial,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.Roots},
		TLSHandshakeTimeout:    tlsLimit,
		IdleConnTimeout:        limit, // of one that was ready when nobody waited any more
		MaxResponseHeaderBytes: maxHeader,
		DisableCompression:     true, // a small body stays small
		DisableKeepAlives:      true,
		ForceAttemptHTTP2:      true,
	}
	client.life, client.end = context.WithCancel(context.Background())
	return client, nil
}

// Close ends what is under way; nothing can be fetched any more.
func (c *Client) Close() {
	c.end()
	c.transport.CloseIdleConnections()
	c.known.StopAllGoroutines()
}

// Post sends body once, with header and contentType, and returns the status of
// the answer, whatever it is; a redirect is an answer. A contentType in header
// does not count. It fails with ErrRefused or ErrUnreachable; then the server may
// have got the body all the same.
func (c *Client) Post(ctx context.Context, url, contentType string, body []byte, header http.Header) (status int, err error) {
	err = c.post(ctx, url, contentType, body, header, func(answer *http.Response) error {
		status = answer.StatusCode
		_, _ = io.CopyN(io.Discard, answer.Body, maxWaste) // the status is all that we came for
		return nil
	})
	return status, err
}

// Ask is Post for those who came for the whole answer, whatever its status. It also
// fails with ErrTooLarge if the body has more than most bytes.
func (c *Client) Ask(ctx context.Context, url, contentType string, body []byte, header http.Header, most int64) (reply *Answer, err error) {
	err = c.post(ctx, url, contentType, body, header, func(answer *http.Response) error {
		text, err := readBody(answer, most)
		if err != nil {
			return err
		}
		reply = &Answer{Status: answer.StatusCode, Header: answer.Header, Body: text}
		return nil
	})
	return reply, err
}

// post sends body once and has the answer used.
func (c *Client) post(ctx context.Context, url, contentType string, body []byte, header http.Header, use func(*http.Response) error) error {
	r, err := c.request(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.GetBody = nil // or HTTP/2 might send it again
	for name, values := range header {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	r.Header.Set("Content-Type", contentType)
	return c.send(r, use)
}

// load reads the document that w asks for, and how long it may be kept.
func (c *Client) load(ctx context.Context, w wish) (doc *Document, keep time.Duration, err error) {
	r, err := c.request(ctx, http.MethodGet, w.url, nil)
	if err != nil {
		return nil, 0, err
	}
	r.Header.Set("Accept", cmp.Or(w.accept, "*/*"))
	err = c.send(r, func(answer *http.Response) (err error) {
		doc, err = read(answer, w.most)
		keep = lifeOf(answer.Header)
		return err
	})
	return doc, keep, err
}

// read returns the document of an answer: status 200, at most so many bytes.
func read(answer *http.Response, most int64) (*Document, error) {
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w: %d", ErrStatus, answer.StatusCode)
	}
	body, err := readBody(answer, most)
	if err != nil {
		return nil, err
	}
	return &Document{Body: body, ContentType: answer.Header.Get("Content-Type")}, nil
}

// readBody returns the body of an answer, at most so many bytes.
func readBody(answer *http.Response, most int64) ([]byte, error) {
	if answer.ContentLength > most {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, answer.ContentLength, most)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, most+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	if int64(len(body)) > most {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, most)
	}
	return body, nil
}

// request returns a request to url, if it may be fetched at all.
func (c *Client) request(ctx context.Context, method, url string, body io.Reader) (*http.Request, error) {
	if err := c.Check(url); err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	r.Header.Set("User-Agent", userAgent)
	return r, nil
}

// send waits for its turn, sends r, and has the answer used before its time is
// over.
func (c *Client) send(r *http.Request, use func(*http.Response) error) error {
	leave, err := c.gate.enter(r.Context(), strings.ToLower(r.URL.Hostname()))
	if err != nil {
		return err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(r.Context(), limit)
	defer cancel()
	defer context.AfterFunc(c.life, cancel)()

	answer, err := c.transport.RoundTrip(r.WithContext(ctx))
	if errors.Is(err, ErrRefused) {
		return err // by dial, which said all
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	defer func() { _ = answer.Body.Close() }()
	return use(answer)
}

// dial connects to address, host:port, once the host is resolved and the address
// that it has is judged.
func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialLimit, ControlContext: c.rules.control(address)}
	return d.DialContext(ctx, network, address)
}
