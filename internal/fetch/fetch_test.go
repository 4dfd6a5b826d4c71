package fetch

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestADocumentIsRead(t *testing.T) {
	var mu sync.Mutex
	peers := map[string]bool{}
	url, roots := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		peers[r.RemoteAddr] = true
		if r.ProtoMajor != 2 || r.Header.Get("Accept") != "application/json" || r.Header.Get("User-Agent") != "HeadyKey" || r.Header.Get("Accept-Encoding") != "" {
			t.Errorf("got %s %v", r.Proto, r.Header)
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = io.WriteString(w, `{"keys":[]}`)
	})
	c := newClient(t, roots, "127.0.0.1")
	for _, path := range []string{"/jwks?a=b", "/", ""} {
		got, err := c.Get(t.Context(), url+path, enough, "application/json")
		want(t, err)
		if expected := (&Document{[]byte(`{"keys":[]}`), "application/json; charset=utf-8"}); !reflect.DeepEqual(got, expected) {
			t.Errorf("%s: got %+v", path, got)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(peers) != 3 {
		t.Errorf("3 requests came by %d connections", len(peers))
	}
}

func TestPlainHTTPToAnAllowedHostAlone(t *testing.T) {
	s := httptest.NewServer(&counter{})
	defer s.Close()
	got, err := newClient(t, nil, strings.TrimPrefix(s.URL, "http://")).Get(t.Context(), s.URL, enough, "")
	if text(got, err) != "1" {
		t.Errorf("got %v, %v", got, err)
	}
	_, err = newClient(t, nil, "127.0.0.1:1").Get(t.Context(), s.URL, enough, "")
	want(t, err, ErrRefused)
}

// A name passes Check; what it leads to is seen when it is dialled.
func TestANameThatLeadsHomeIsRefusedUnlessAllowed(t *testing.T) {
	asked := &counter{}
	s := httptest.NewTLSServer(asked)
	defer s.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(s.URL, "https://"), ":")
	c := newClient(t, nil)
	_, err := c.dial(t.Context(), "tcp", "localhost:"+port)
	want(t, err, ErrRefused)
	_, err = c.Post(t.Context(), s.URL, "text/plain", nil, nil)
	want(t, err, ErrRefused)

	conn, err := newClient(t, nil, "localhost").dial(t.Context(), "tcp", "localhost:"+port)
	want(t, err)
	if err == nil {
		_ = conn.Close()
	}
	if n := asked.asked.Load(); n != 0 {
		t.Errorf("%d requests came through", n)
	}
}

func TestWhatIsNoDocument(t *testing.T) {
	url, roots := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, "/fits", http.StatusFound)
		case "/created":
			w.WriteHeader(http.StatusCreated)
		case "/fits":
			_, _ = io.WriteString(w, strings.Repeat("x", enough))
		case "/announced":
			w.Header().Set("Content-Length", "1025")
			_, _ = io.WriteString(w, strings.Repeat("x", enough+1))
		case "/stream":
			for r.Context().Err() == nil {
				_, _ = io.WriteString(w, strings.Repeat("x", enough))
				_ = http.NewResponseController(w).Flush()
			}
		case "/header":
			w.Header().Set("X-Long", strings.Repeat("x", 2*maxHeader))
		case "/cut":
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "x")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
	})
	c := newClient(t, roots, "127.0.0.1")
	tests := []struct {
		path string
		want []error
	}{
		{"/fits", nil},
		{"/announced", []error{ErrTooLarge}},
		{"/stream", []error{ErrTooLarge}},
		{"/redirect", []error{ErrStatus}},
		{"/created", []error{ErrStatus}},
		{"/header", []error{ErrUnreachable}},
		{"/cut", []error{ErrUnreachable}},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			_, err := c.Get(t.Context(), url+tt.path, enough, "")
			want(t, err, tt.want...)
		})
	}
	t.Run("nobody listens", func(t *testing.T) {
		_, err := c.Get(t.Context(), "https://127.0.0.1:1/", enough, "")
		want(t, err, ErrUnreachable)
	})
	t.Run("nobody vouches", func(t *testing.T) {
		_, err := newClient(t, nil, "127.0.0.1").Get(t.Context(), url+"/fits", enough, "")
		want(t, err, ErrUnreachable)
	})
}

// No proxy of the environment stands between us and the address that we judged.
func TestTheEnvironmentHasNoSay(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	c := newClient(t, nil)
	if c.transport.Proxy != nil {
		t.Error("a proxy is asked for")
	}
}

func TestPost(t *testing.T) {
	var posts atomic.Int64
	url, roots := serve(t, func(w http.ResponseWriter, r *http.Request) {
		posts.Add(1)
		body, _ := io.ReadAll(r.Body)
		if string(body) != "logout_token=x" || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || r.Header.Get("Authorization") != "Bearer x" {
			t.Errorf("got %s %v", body, r.Header)
		}
		if r.URL.Path == "/redirect" {
			http.Redirect(w, r, "/", http.StatusTemporaryRedirect)
			return
		}
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, strings.Repeat("x", 3*maxWaste))
	})
	c := newClient(t, roots, "127.0.0.1")
	for path, status := range map[string]int{"/redirect": http.StatusTemporaryRedirect, "/": http.StatusBadRequest} {
		header := http.Header{"authorization": {"Bearer x"}, "Content-Type": {"text/plain"}}
		got, err := c.Post(t.Context(), url+path, "application/x-www-form-urlencoded", []byte("logout_token=x"), header)
		want(t, err)
		if got != status {
			t.Errorf("%s: got %d, want %d", path, got, status)
		}
	}
	_, err := c.Post(t.Context(), "http://example.com/", "text/plain", nil, nil)
	want(t, err, ErrRefused)
	if n := posts.Load(); n != 2 {
		t.Errorf("%d posts, want 2", n)
	}
}

func TestAsk(t *testing.T) {
	url, roots := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Retry-After", "2")
		switch r.URL.Path {
		case "/redirect":
			w.Header().Set("Location", "/")
			w.WriteHeader(http.StatusTemporaryRedirect)
		case "/long":
			_ = http.NewResponseController(w).Flush() // without a length
			_, _ = io.WriteString(w, strings.Repeat("x", enough+1))
		case "/announced":
			w.Header().Set("Content-Length", "1025")
			_, _ = io.WriteString(w, strings.Repeat("x", enough+1))
		case "/cut":
			w.Header().Set("Content-Length", "100")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		default:
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, r.Header.Get("Content-Type")+" "+r.Header.Get("X-Y")+" "+string(body)+strings.Repeat("x", enough-17))
		}
	})
	c := newClient(t, roots, "127.0.0.1")
	ask := func(url string) (*Answer, error) {
		return c.Ask(t.Context(), url, "text/plain", []byte("a=b"), http.Header{"x-y": {"yy"}}, enough)
	}
	got, err := ask(url)
	want(t, err)
	if got == nil || got.Status != http.StatusServiceUnavailable || got.Header.Get("Retry-After") != "2" ||
		string(got.Body) != "text/plain yy a=b"+strings.Repeat("x", enough-17) {
		t.Errorf("got %+v", got)
	}
	got, err = ask(url + "/redirect")
	want(t, err)
	if got == nil || got.Status != http.StatusTemporaryRedirect || len(got.Body) != 0 {
		t.Errorf("got %+v", got)
	}
	for address, sentinel := range map[string]error{
		url + "/long": ErrTooLarge, url + "/announced": ErrTooLarge, url + "/cut": ErrUnreachable, "http://example.com/": ErrRefused,
	} {
		got, err := ask(address)
		want(t, err, sentinel)
		if got != nil {
			t.Errorf("%s: got %+v", address, got)
		}
	}
}

// A post that got no answer is not sent again: it may have been heard.
func TestAPostIsSentOnce(t *testing.T) {
	var posts atomic.Int64
	url, roots := serve(t, func(http.ResponseWriter, *http.Request) {
		posts.Add(1)
		panic(http.ErrAbortHandler)
	})
	_, err := newClient(t, roots, "127.0.0.1").Post(t.Context(), url, "text/plain", []byte("x"), http.Header{"Idempotency-Key": {"1"}})
	want(t, err, ErrUnreachable)
	if n := posts.Load(); n != 1 {
		t.Errorf("%d posts, want 1", n)
	}
}

// silent answers nothing until the other side is gone.
func silent(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// trickle answers a byte a second.
func trickle(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		_, _ = io.WriteString(w, "x")
		_ = http.NewResponseController(w).Flush()
		time.Sleep(time.Second)
	}
}

func TestASlowServer(t *testing.T) {
	get := func(ctx context.Context, c *Client) error {
		_, err := c.Get(ctx, page, enough, "")
		return err
	}
	post := func(ctx context.Context, c *Client) error {
		_, err := c.Post(ctx, page, "text/plain", nil, nil)
		return err
	}
	tests := []struct {
		name   string
		handle http.HandlerFunc
		ask    func(context.Context, *Client) error
		ctx    time.Duration
		took   time.Duration
		want   []error
	}{
		{"says nothing", silent, get, time.Minute, limit, []error{ErrUnreachable, context.DeadlineExceeded}},
		{"says nothing to a post", silent, post, time.Minute, limit, []error{ErrUnreachable, context.DeadlineExceeded}},
		{"says it byte by byte", trickle, get, time.Minute, limit, []error{ErrUnreachable, context.DeadlineExceeded}},
		{"says it byte by byte after the status", trickle, post, time.Minute, limit, nil},
		{"has an impatient caller", silent, get, time.Second, time.Second, []error{ErrUnreachable, context.DeadlineExceeded}},
		{"has an impatient poster", silent, post, time.Second, time.Second, []error{ErrUnreachable, context.DeadlineExceeded}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := within(t, tt.handle)
				ctx, cancel := context.WithTimeout(t.Context(), tt.ctx)
				defer cancel()
				start := time.Now()
				want(t, tt.ask(ctx, c), tt.want...)
				if took := time.Since(start); took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
			})
		})
	}
}

func TestCloseEndsWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := within(t, silent)
		ended := make(chan error, 2)
		go func() { _, err := c.Get(t.Context(), "http://id.test/", enough, ""); ended <- err }()
		go func() { _, err := c.Post(t.Context(), "http://id.test/", "text/plain", nil, nil); ended <- err }()
		synctest.Wait()
		c.Close()
		for range 2 {
			want(t, <-ended, ErrUnreachable, context.Canceled)
		}
		_, err := c.Get(t.Context(), "http://id.test/", enough, "")
		want(t, err, ErrUnreachable, context.Canceled)
	})
}
