package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"headykey.com/headykey/internal/web"
)

const (
	notFound = `{"error":"There is nothing here.","code":"not_found","requestId":""}`
	noMethod = `{"error":"This address does not answer that method; the Allow header lists those it does.","code":"method_not_allowed","requestId":""}`
)

func newRouter(cors *web.CORS) *web.Router {
	rt := web.NewRouter(cors, nil)
	rt.Fail("/other", spelling)
	rt.Fail("/other/api", web.FailJSON)
	rt.Handle("GET", "/api/memory/{id}", say("one"))
	rt.Handle("DELETE", "/api/memory/{id}", say("gone"))
	rt.Handle("POST", "/api/memory/search", say("found"))
	rt.Handle("GET", "/files/{path...}", say("file"))
	rt.Handle("GET", "/late/{path...}", say("late file"))
	rt.Handle("GET", "/late", say("late"))
	rt.Handle("GET", "/{$}", say("home"))
	return rt
}

func TestRouting(t *testing.T) {
	tests := []struct {
		name, method, path string
		status             int
		allow, body        string
	}{
		{"a route", "GET", "/api/memory/7", 200, "", "one"},
		{"home", "GET", "/", 200, "", "home"},
		{"a file", "GET", "/files/a/b", 200, "", "file"},
		{"an encoded slash stays in its segment", "GET", "/api/memory/a%2Fb", 200, "", "one"},
		{"nothing there", "GET", "/api/nothing", 404, "", notFound},
		{"nothing there for any method", "POST", "/api/nothing", 404, "", notFound},
		{"a route with a slash more", "GET", "/api/memory/7/", 404, "", notFound},
		{"a folder without its slash", "GET", "/files", 404, "", notFound},
		{"a folder with a route of its own", "GET", "/late", 200, "", "late"},
		{"and its files", "GET", "/late/x", 200, "", "late file"},
		{"wrong method", "PUT", "/api/memory/7", 405, "DELETE, GET, HEAD, OPTIONS", noMethod},
		{"a word for a wild card", "PUT", "/api/memory/search", 405, "DELETE, GET, HEAD, POST, OPTIONS", noMethod},
		{"made-up method", "BREW", "/", 405, "GET, HEAD, OPTIONS", noMethod},
		{"nothing but slashes", "GET", "//", 404, "", notFound},
		{"double slash", "GET", "//api/memory/7", 404, "", notFound},
		{"double slash inside", "GET", "/api//memory/7", 404, "", notFound},
		{"dot", "GET", "/api/./memory/7", 404, "", notFound},
		{"dot dot", "GET", "/files/../api/memory/7", 404, "", notFound},
		{"encoded dot dot", "GET", "/files/%2e%2e/api/memory/7", 404, "", notFound},
		{"encoded double slash", "GET", "/files/%2F/x", 404, "", notFound},
		{"another door", "GET", "/other/x", 404, "", "spelled: not_found\n"},
		{"another door's root", "GET", "/other", 404, "", "spelled: not_found\n"},
		{"a neighbour of that door", "GET", "/others", 404, "", notFound},
		{"a door in a door", "GET", "/other/api/x", 404, "", notFound},
		{"OPTIONS", "OPTIONS", "/api/memory/search", 204, "DELETE, GET, HEAD, POST, OPTIONS", ""},
		{"OPTIONS of nothing", "OPTIONS", "/api/nothing", 404, "", notFound},
		{"OPTIONS of a folder without its slash", "OPTIONS", "/files", 404, "", notFound},
	}
	rt := newRouter(nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := ask(rt, tt.method, "https://id.example.com"+tt.path, "")
			expect(t, w, tt.status, tt.body)
			if got := w.Header().Get("Allow"); got != tt.allow {
				t.Errorf("Allow: got %q, want %q", got, tt.allow)
			}
		})
	}
}

func TestHeadComesWithGet(t *testing.T) {
	srv := httptest.NewServer(newRouter(nil))
	defer srv.Close()
	res, err := http.Head(srv.URL + "/api/memory/7")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 200 || res.ContentLength != 3 {
		t.Errorf("got %d with %d bytes announced, want 200 with 3", res.StatusCode, res.ContentLength)
	}
}

func TestThePatternCanBeReadAfterwards(t *testing.T) {
	r := httptest.NewRequest("DELETE", "/api/memory/7", nil)
	newRouter(nil).ServeHTTP(httptest.NewRecorder(), r)
	if want := "DELETE /api/memory/{id}"; r.Pattern != want {
		t.Errorf("got %q, want %q", r.Pattern, want)
	}
}

func TestRoutesListsWhatWasAdded(t *testing.T) {
	var got []string
	for _, route := range newRouter(nil).Routes() {
		got = append(got, route.Method+" "+route.Pattern)
	}
	if len(got) != 7 || got[0] != "GET /api/memory/{id}" || got[6] != "GET /{$}" {
		t.Errorf("got %q", got)
	}
}

func TestSomeMethodsAreTheRoutersOwn(t *testing.T) {
	for _, method := range []string{"", "OPTIONS", "HEAD"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q was accepted", method)
				}
			}()
			web.NewRouter(nil, nil).Handle(method, "/x", say(""))
		}()
	}
}

// No path makes the router redirect, or fail in a spelling that is not ours.
func FuzzRouter(f *testing.F) {
	for _, p := range []string{"/", "//", "/files", "/files/..", "/api/memory/%2e", "/late/", "*", "/%00", "/api/memory/7?x"} {
		f.Add("GET", p)
	}
	f.Add("CONNECT", "/files")
	rt := newRouter(nil)
	f.Fuzz(func(t *testing.T, method, target string) {
		r, err := http.NewRequest(method, "https://id.example.com", nil)
		if err != nil {
			return
		}
		u, err := url.ParseRequestURI(target) // as net/http reads a request line
		if err != nil {
			return
		}
		r.URL = u
		w := httptest.NewRecorder()
		rt.ServeHTTP(w, r)
		switch w.Code {
		case 200, 204, 404, 405:
		default:
			t.Errorf("%s %s: %d %s", method, target, w.Code, w.Body)
		}
	})
}
