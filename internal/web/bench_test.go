package web_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/web"
)

var verifyBody = []byte(`{"authenticated":true,"userId":"0196f3c1-7a30-7c1e-9d5b-1f0c2a9b8e77","email":"jane@example.com","role":"user","level":2,"authMethod":"jwt"}`)

// bare is the least that net/http does for this answer.
func bare() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/auth/verify", func(w http.ResponseWriter, r *http.Request) {
		web.ReplyBytes(w, http.StatusOK, verifyBody)
	})
	return mux
}

// dressed is the same answer through everything that this package adds.
func dressed(tb testing.TB) http.Handler {
	public := &url.URL{Scheme: "https", Host: "id.example.com"}
	metrics, err := web.NewMetrics(prometheus.NewRegistry())
	if err != nil {
		tb.Fatal(err)
	}
	cors, err := web.NewCORS(public, web.HeadyOrigins[:], false)
	if err != nil {
		tb.Fatal(err)
	}
	rt := web.NewRouter(cors, metrics)
	var none web.Proxies
	door := web.Door{Fail: web.FailJSON, Identify: func(r *http.Request) (headykey.Caller, error) {
		return headykey.Caller{From: none.From(r)}, nil
	}}
	rt.Handle("GET", "/api/auth/verify", web.Handle(door, func(w http.ResponseWriter, _ *http.Request, _ headykey.Caller) error {
		web.ReplyBytes(w, http.StatusOK, verifyBody)
		return nil
	}))
	return web.Front(public, metrics, rt)
}

// BenchmarkVerifyHandler compares the handlers alone, without a connection.
func BenchmarkVerifyHandler(b *testing.B) {
	for name, h := range map[string]http.Handler{"bare": bare(), "dressed": dressed(b)} {
		b.Run(name, func(b *testing.B) {
			r := verifyRequest(b)
			w := &sink{header: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				h.ServeHTTP(w, r)
			}
		})
	}
}

// BenchmarkVerifyServer compares whole requests on one kept-alive connection. The
// client only waits for the last byte.
func BenchmarkVerifyServer(b *testing.B) {
	for name, h := range map[string]http.Handler{"bare": bare(), "dressed": dressed(b)} {
		b.Run(name, func(b *testing.B) {
			conn := serve(b, h)
			answer := make([]byte, 4096)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := io.WriteString(conn, verifyText); err != nil {
					b.Fatal(err)
				}
				n, err := conn.Read(answer) // it comes in one piece
				if err != nil || answer[n-1] != '}' {
					b.Fatalf("%q, %v", answer[:n], err)
				}
			}
		})
	}
}

const verifyText = "GET /api/auth/verify HTTP/1.1\r\nHost: id.example.com\r\nUser-Agent: curl/8.16.0\r\n" +
	"Authorization: Bearer x\r\nAccept: */*\r\n\r\n"

func verifyRequest(b *testing.B) *http.Request {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "https://id.example.com/api/auth/verify", nil)
	if err != nil {
		b.Fatal(err)
	}
	r.RemoteAddr = "192.0.2.7:5000"
	r.Header.Set("User-Agent", "curl/8.16.0")
	return r
}

// serve runs h on a free loopback port until the test ends, and connects to it.
func serve(b *testing.B, h http.Handler) net.Conn {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	srv := &http.Server{Handler: h}
	go func() { _ = srv.Serve(l) }()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close(); _ = srv.Close() })
	return conn
}

// A sink is a ResponseWriter that keeps nothing.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }
