package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"headykey.com/headykey/internal/door/discovery"
	"headykey.com/headykey/internal/door/heady"
	"headykey.com/headykey/internal/door/oidc"
	"headykey.com/headykey/internal/door/pages"
	"headykey.com/headykey/internal/web"
)

// Bounds of one connection. A request is small: headers and body together arrive
// in seconds or not at all.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 8 * time.Second
	writeTimeout  = 34 * time.Second
	maxHeader     = 21 << 10 // bytes
)

// A Server is one running HeadyKey.
type Server struct {
	Base string // public URL
	Core *Core

	config   *Config
	log      *slog.Logger
	listener net.Listener
	http     *http.Server
	registry *prometheus.Registry
	started  time.Time
	stopping atomic.Bool
	inFlight atomic.Int64
	closers  []func() // run in the reverse order
}

// Start claims the data directory, opens everything and listens, but serves
// nothing yet: call Serve, or Close. Each failure is one sentence that says what to
// mend.
func Start(ctx context.Context, c *Config, log *slog.Logger) (s *Server, err error) {
	s = &Server{config: c, log: log, started: time.Now(), registry: prometheus.NewRegistry()}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if s.listener, err = listen(c); err != nil {
		return s, err
	}
	s.closers = append(s.closers, func() { _ = s.listener.Close() })
	s.Base = c.BaseURL(s.listener.Addr().String())
	lock, err := lockData(c.Data, s.listener.Addr().String())
	if err != nil {
		return s, err
	}
	s.closers = append(s.closers, func() { _ = lock.Unlock() })
	if s.Core, err = Open(ctx, c, s.Base, log); err != nil {
		return s, err
	}
	s.closers = append(s.closers, func() {
		if err := s.Core.Close(); err != nil {
			log.Error("the database did not close", "error", err)
		}
	})
	handler, err := s.handler()
	if err != nil {
		return s, err
	}
	s.http = &http.Server{
		Handler: s.counted(handler), ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: c.IdleTimeout, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return s, s.listenMetrics()
}

// suites are those that RFC 9325 §4.2 recommends for TLS 1.2, as FAPI 2.0 §5.2.2
// demands; TLS 1.3 has its own.
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
}

func listen(c *Config) (net.Listener, error) {
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s; is another program there? %w", c.Listen, err)
	}
	if c.TLSCert == "" {
		return l, nil
	}
	cert, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("the TLS certificate cannot be used: %w", err)
	}
	config := &tls.Config{
		Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12, CipherSuites: suites, NextProtos: []string{"h2", "http/1.1"},
	}
	if c.TLSClients {
		config.ClientAuth = tls.RequestClientCert // who has none is welcome, too; the rules verify
	}
	return tls.NewListener(l, config), nil
}

// Address is where the server listens.
func (s *Server) Address() string { return s.listener.Addr().String() }

// Serve serves until ctx ends, then drains: it is not ready any more, takes no new
// connections, finishes the requests that have begun within the time for it, and
// closes everything in the reverse order of opening.
func (s *Server) Serve(ctx context.Context) error {
	defer s.Close()
	stopJobs := s.Core.run(context.WithoutCancel(ctx), s.log)
	failed := make(chan error, 1)
	go func() { failed <- s.http.Serve(s.listener) }()
	s.log.Info("ready", "address", s.Address(), "url", s.Base, "database", s.Core.DB.Name(), "version", Version)
	var err error
	select {
	case err = <-failed:
		err = fmt.Errorf("serving ended: %w", err)
	case <-ctx.Done():
		s.drain()
	}
	stopJobs()
	s.log.Info("stopped")
	return err
}

// quietTicks is how many ticks in a row nothing may be in flight before the rest
// is cut off: a tenth of a second.
const quietTicks = 21

// drain lets the requests that have begun finish. Connections that are idle, or
// have sent half a request, do not hold it up.
func (s *Server) drain() {
	s.log.Info("stopping", "requests", s.inFlight.Load())
	s.stopping.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), s.config.Shutdown)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.http.Shutdown(ctx) }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for quiet := 0; ; {
		select {
		case err := <-done:
			if err != nil {
				s.log.Warn("requests were cut off at the end of the time for stopping", "requests", s.inFlight.Load())
			}
			_ = s.http.Close()
			return
		case <-tick.C:
			// A request is counted a moment after it was read, and its answer
			// leaves a moment after it was counted off.
			if quiet++; s.inFlight.Load() > 0 {
				quiet = 0
			}
			if quiet >= quietTicks {
				_ = s.http.Close()
				<-done
				return
			}
		}
	}
}

// counted knows how many requests are being answered.
func (s *Server) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.inFlight.Add(1)
		defer s.inFlight.Add(-1)
		next.ServeHTTP(w, r)
	})
}

// Close ends what Start began.
func (s *Server) Close() {
	for _, f := range slices.Backward(s.closers) {
		f()
	}
	s.closers = nil
}

// handler serves all that there is.
func (s *Server) handler() (http.Handler, error) {
	public, err := url.Parse(s.Base)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	metrics, err := s.metrics()
	if err != nil {
		return nil, err
	}
	rt, err := s.router(public, metrics)
	if err != nil {
		return nil, err
	}
	return web.Front(public, metrics, rt), nil
}

// router hangs all doors.
func (s *Server) router(public *url.URL, metrics *web.Metrics) (*web.Router, error) {
	origins := s.origins()
	cors, err := web.NewCORS(public, origins, s.config.Dev)
	if err != nil {
		return nil, err
	}
	parts := heady.Parts{
		Auth: s.Core.Auth, Account: s.Core.Account, Directory: s.Core.Directory, OAuth: s.Core.OAuth, Receipts: s.Core.Receipts,
		CORS: cors, Proxies: s.config.TrustProxy, Limiter: s.limiter(), BaseURL: s.Base,
		Origins: append(origins, s.Base), Secure: s.secure(public), Lifetimes: s.config.Lifetimes,
		Cursors: web.NewCursors(func(data []byte) []byte {
			mac := s.Core.sealer.MAC("cursor", data)
			return mac[:]
		}),
	}
	rt := web.NewRouter(cors, metrics)
	heady.Mount(rt, parts)
	heady.MountHealth(rt, cors, heady.Status{
		Version: Version, Database: s.Core.DB.Name(), Started: s.started, Ready: s.ready,
	})
	front := pages.Mount(rt, s.pages(parts))
	apps, err := s.apps(parts, front)
	if err != nil {
		return nil, err
	}
	apps.Mount(rt)
	err = oidc.Mount(rt, oidc.Parts{
		OAuth: s.Core.OAuth, Proxies: s.config.TrustProxy, Limiter: parts.Limiter, BaseURL: s.Base,
		Authorize: front.Authorize, Logout: front.Logout, CheckSession: front.CheckSession,
		AppAuthorize: apps.Authorize, AppToken: apps.Token, AppUser: apps.User, AppOrigin: apps.Targets.Owns,
		AppConsent: apps.Consent, AppUserinfo: apps.Userinfo, AppKeys: s.Core.Auth.PublicKeys,
	})
	if err != nil {
		return nil, err
	}
	if err := discovery.Mount(rt, s.Base); err != nil {
		return nil, err
	}
	return rt, nil
}

// origins is the CORS list, with the preset written out.
func (s *Server) origins() []string {
	var out []string
	for _, o := range s.config.CORSOrigins {
		if o == CORSPreset {
			out = append(out, web.HeadyOrigins[:]...)
			continue
		}
		out = append(out, o)
	}
	return out
}

// secure reports whether cookies are Secure: everywhere but on plain http, which
// only loopback may speak.
func (s *Server) secure(public *url.URL) bool { return public.Scheme == "https" }

func (s *Server) limiter() *web.Limiter {
	if !s.config.RateLimit {
		return nil
	}
	l := web.NewLimiter()
	s.closers = append(s.closers, l.Close)
	return l
}

var errStopping = errors.New("the server is stopping")

// ready reports whether requests can be served.
func (s *Server) ready(ctx context.Context) error {
	if s.stopping.Load() {
		return errStopping
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return s.Core.DB.Ping(ctx)
}

// metrics registers what is counted.
func (s *Server) metrics() (*web.Metrics, error) {
	if s.config.MetricsListen == "" {
		return nil, nil
	}
	s.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "headykey_password_queue", Help: "Passwords that wait to be hashed.",
		}, func() float64 { return float64(s.Core.pool.Depth()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "headykey_requests_in_flight", Help: "Requests that are being answered.",
		}, func() float64 { return float64(s.inFlight.Load()) }),
	)
	return web.NewMetrics(s.registry)
}

// listenMetrics serves /metrics on a listener of its own: counters are for
// operators, not for the world.
func (s *Server) listenMetrics() error {
	if s.config.MetricsListen == "" {
		return nil
	}
	l, err := net.Listen("tcp", s.config.MetricsListen)
	if err != nil {
		return fmt.Errorf("cannot listen on %s for metrics: %w", s.config.MetricsListen, err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{}))
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, MaxHeaderBytes: maxHeader}
	s.closers = append(s.closers, func() { _ = srv.Close() })
	go func() { _ = srv.Serve(l) }()
	s.log.Info("metrics", "address", l.Addr().String())
	return nil
}
