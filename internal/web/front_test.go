package web_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/web"
)

func TestEveryAnswerBeginsWithTheseHeaders(t *testing.T) {
	want := http.Header{
		"X-Content-Type-Options":       {"nosniff"},
		"X-Frame-Options":              {"DENY"},
		"Referrer-Policy":              {"no-referrer"},
		"Content-Security-Policy":      {"default-src 'none'; frame-ancestors 'none'"},
		"Permissions-Policy":           {"camera=(), geolocation=(), microphone=(), payment=(), usb=()"},
		"Cross-Origin-Opener-Policy":   {"same-origin"},
		"Cross-Origin-Resource-Policy": {"same-origin"},
		"Cache-Control":                {"no-store"},
		"Strict-Transport-Security":    {"max-age=31536000; includeSubDomains"},
	}
	quiet := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	got := ask(web.Front(home, nil, quiet), "GET", "/", "").Header()
	got.Del("X-Request-Id")
	if !reflect.DeepEqual(got, want) {
		t.Errorf("https: got %v, want %v", got, want)
	}

	got = ask(web.Front(&url.URL{Scheme: "http", Host: "localhost:1618"}, nil, quiet), "GET", "/", "").Header()
	if _, ok := got["Strict-Transport-Security"]; ok {
		t.Error("a plain http server promises https")
	}
}

func TestAPageMayOverrideAHeader(t *testing.T) {
	h := web.Front(home, nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/page" {
			w.Header().Set("Content-Security-Policy", "default-src 'self'")
			w.Header().Add("Cache-Control", "private")
		}
	}))
	if got := ask(h, "GET", "/page", "").Header().Get("Content-Security-Policy"); got != "default-src 'self'" {
		t.Errorf("the page: got %q", got)
	}
	after := ask(h, "GET", "/", "").Header()
	if after.Get("Content-Security-Policy") != "default-src 'none'; frame-ancestors 'none'" || len(after["Cache-Control"]) != 1 {
		t.Errorf("the page changed the next answer: %v", after)
	}
}

func TestRequestIDsAreOurOwn(t *testing.T) {
	seen := map[string]bool{}
	h := web.Front(home, nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id := headykey.RequestID(r.Context()); id != w.Header().Get("X-Request-Id") || len(id) != 16 {
			t.Errorf("id %q, header %q", id, w.Header().Get("X-Request-Id"))
		}
	}))
	for range 100 {
		seen[ask(h, "GET", "/", "", "X-Request-Id", "mine").Header().Get("X-Request-Id")] = true
	}
	if len(seen) != 100 || seen["mine"] {
		t.Errorf("100 requests got %d ids", len(seen))
	}
}

func TestPanicIsA500(t *testing.T) {
	log := captureLog(t)
	rt := web.NewRouter(newCORS(t, false, listed), nil)
	rt.Handle("POST", "/x/{id}", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.SetCookie(w, web.SessionCookie("token", time.Hour, true))
		w.Header().Set("Cache-Control", "public")
		panic("out of cheese")
	}))
	w := ask(web.Front(home, nil, rt), "POST", "/x/secret?token=secret", "", "Origin", listed)

	var got map[string]string
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"error": headykey.ErrInternal.Text, "code": "internal", "requestId": w.Header().Get("X-Request-Id")}
	if w.Code != 500 || !reflect.DeepEqual(got, want) {
		t.Errorf("got %d %v, want 500 %v", w.Code, got, want)
	}
	h := w.Header()
	if h.Get("Set-Cookie") != "" || h.Get("Cache-Control") != "no-store" || h.Get("Access-Control-Allow-Origin") != listed {
		t.Errorf("headers %v", h)
	}
	for _, text := range []string{"out of cheese", "front_test.go", got["requestId"], "POST /x/{id}"} {
		if !strings.Contains(log.String(), text) {
			t.Errorf("the log lacks %q: %s", text, log)
		}
	}
	if strings.Contains(log.String(), "secret") {
		t.Errorf("the log tells the path: %s", log)
	}
}

func TestHalfAnAnswerIsCutOff(t *testing.T) {
	captureLog(t)
	for name, p := range map[string]any{"panic": "late", "abort": http.ErrAbortHandler} {
		srv := httptest.NewServer(web.Front(home, nil, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "half")
			w.(http.Flusher).Flush()
			panic(p)
		})))
		res, err := http.Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if !errors.Is(err, io.ErrUnexpectedEOF) || string(body) != "half" {
			t.Errorf("%s: got %q, %v", name, body, err)
		}
		srv.Close()
	}
}

// lines are the access lines of a log, without time, request id and duration.
func lines(t *testing.T, log *bytes.Buffer) []map[string]any {
	t.Helper()
	var out []map[string]any
	for dec := json.NewDecoder(log); dec.More(); {
		var line map[string]any
		if err := dec.Decode(&line); err != nil {
			t.Fatal(err)
		}
		if line["msg"] == "request" {
			for _, name := range []string{"time", "requestId", "took", "msg"} {
				delete(line, name)
			}
			out = append(out, line)
		}
	}
	return out
}

func TestTheAccessLogNamesRoutesOnly(t *testing.T) {
	log := captureLog(t)
	rt := web.NewRouter(nil, nil)
	rt.Handle("GET", "/user/{email}", say("hi"))
	rt.Handle("POST", "/user/{email}", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		web.FailJSON(w, r, headykey.ErrBusy)
	}))
	h := web.Front(home, nil, rt)
	ask(h, "GET", "/user/jane@example.com?token=t", "", "Authorization", "Bearer b")
	ask(h, "POST", "/user/jane@example.com", `{"password":"p"}`)
	ask(h, "JANE", "/jane", "")
	if strings.Contains(log.String(), "jane") || strings.Contains(log.String(), "JANE") {
		t.Errorf("the log names a person: %s", log)
	}
	want := []map[string]any{
		{"level": "DEBUG", "method": "GET", "route": "GET /user/{email}", "status": 200.0},
		{"level": "WARN", "method": "POST", "route": "POST /user/{email}", "status": 503.0},
		{"level": "DEBUG", "method": "other", "route": "/", "status": 404.0},
	}
	if got := lines(t, log); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestSlowRequestsAreLogged(t *testing.T) {
	for _, tt := range []struct {
		took time.Duration
		want string
	}{{1618 * time.Millisecond, "DEBUG"}, {1619 * time.Millisecond, "WARN"}} {
		synctest.Test(t, func(t *testing.T) {
			log := captureLog(t)
			ask(web.Front(home, nil, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
				time.Sleep(tt.took)
			})), "GET", "/", "")
			if got := lines(t, log); len(got) != 1 || got[0]["level"] != tt.want {
				t.Errorf("%v: got %v, want %s", tt.took, got, tt.want)
			}
		})
	}
}

func TestMetricsCountByRoute(t *testing.T) {
	captureLog(t)
	registry := prometheus.NewRegistry()
	m, err := web.NewMetrics(registry)
	if err != nil {
		t.Fatal(err)
	}
	rt := web.NewRouter(nil, m)
	rt.Handle("GET", "/user/{id}", say("hi"))
	rt.Handle("POST", "/user/{id}", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("no") }))
	h := web.Front(home, m, rt)
	ask(h, "GET", "/user/1", "")
	ask(h, "HEAD", "/user/2", "")
	ask(h, "POST", "/user/1", "")
	ask(h, "GET", "/elsewhere", "")
	ask(h, "GET", "//", "")
	ask(h, "PUT", "/user/1", "")

	want := map[string]float64{
		"GET /user/{id} 2xx":  2,
		"POST /user/{id} 5xx": 1,
		"any none 4xx":        3,
	}
	if got := counted(t, registry); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if _, err := web.NewMetrics(registry); err == nil {
		t.Error("the same names were registered twice")
	}
}

// counted returns the request counters that are not zero. It checks on the way
// that each route's histogram has seen as many requests as its counters.
func counted(t *testing.T, g prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out, sum := map[string]float64{}, map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			label := map[string]string{}
			for _, l := range m.GetLabel() {
				label[l.GetName()] = l.GetValue()
			}
			route := label["method"] + " " + label["route"]
			sum[route] += m.GetCounter().GetValue() - float64(m.GetHistogram().GetSampleCount())
			if n := m.GetCounter().GetValue(); n > 0 {
				out[route+" "+label["class"]] = n
			}
		}
	}
	for route, difference := range sum {
		if difference != 0 {
			t.Errorf("%s: the counters and the histogram differ by %v", route, difference)
		}
	}
	return out
}
