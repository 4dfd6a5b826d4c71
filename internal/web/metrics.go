package web

import (
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics counts requests and measures how long they took, by route. Every series
// is looked up when its route is added, never per request. A nil *Metrics counts
// nothing.
type Metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	none     *series // of requests that match no route
}

// classes are the values of the label "class".
var classes = [...]string{"2xx", "3xx", "4xx", "5xx"}

// buckets are seconds: every second Fibonacci number from 0.3 ms on.
var buckets = []float64{.0003, .0008, .0021, .0055, .0144, .0377, .0987, .2584, .6765, 1.7711, 4.6368}

// NewMetrics registers headykey_http_requests_total (method, route, class) and
// headykey_http_request_duration_seconds (method, route) with reg. It fails if reg
// has metrics of these names already.
func NewMetrics(reg prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "headykey_http_requests_total",
			Help: "HTTP requests, by method, route and class of status.",
		}, []string{"method", "route", "class"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "headykey_http_request_duration_seconds",
			Help:    "Time from the first byte of a request to the end of its handler, by method and route.",
			Buckets: buckets,
		}, []string{"method", "route"}),
	}
	if err := reg.Register(m.requests); err != nil {
		return nil, fmt.Errorf("register request counter: %w", err)
	}
	if err := reg.Register(m.seconds); err != nil {
		return nil, fmt.Errorf("register request histogram: %w", err)
	}
	m.none = m.series("any", "none")
	return m, nil
}

// A series is what is counted of one route. A nil series counts nothing.
type series struct {
	classes [len(classes)]prometheus.Counter
	seconds prometheus.Observer
}

func (m *Metrics) series(method, pattern string) *series {
	if m == nil {
		return nil
	}
	s := &series{seconds: m.seconds.WithLabelValues(method, pattern)}
	for i, class := range classes {
		s.classes[i] = m.requests.WithLabelValues(method, pattern, class)
	}
	return s
}

func (m *Metrics) unrouted() *series {
	if m == nil {
		return nil
	}
	return m.none
}

func (s *series) observe(status int, took time.Duration) {
	if s == nil {
		return
	}
	class := min(max(status/100-2, 0), len(classes)-1)
	s.classes[class].Inc()
	s.seconds.Observe(took.Seconds())
}

// methodLabel returns the method, or "other" for one that no standard knows: the
// sender must not choose the words of our logs.
func methodLabel(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut,
		http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}
