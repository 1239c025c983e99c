package upstream

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/problem"
)

func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s
}

func TestAnswersThatAreNotTheDocumentedOne(t *testing.T) {
	elsewhere := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		body := make([]byte, 100)
		n, _ := r.Body.Read(body)
		t.Errorf("an assertion was carried to another host: %s", body[:n])
	})
	cases := map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"sign-in page": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = w.Write([]byte("<html>sign in</html>"))
		}, "answered 200 with text/html; charset=utf-8, not JSON"},
		"garbage": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(bytes.Repeat([]byte{0xfe}, 1<<20))
		}, "not JSON"},
		"too much": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(bytes.Repeat([]byte("{"), maxBody+1))
		}, "more than 1048576 bytes"},
		"nothing": {func(http.ResponseWriter, *http.Request) {}, "answered 200 with nothing"},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}, "a redirect to"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := serve(t, c.handler)
			_, err := NewClient(Options{RequireJSON: true}).Post(s.URL+"/token?client_secret=canary", "text/plain", strings.NewReader("client_assertion=canary"))
			var e *problem.Error
			if !errors.As(err, &e) || e.Code != problem.BadAnswer || !strings.Contains(e.Message, c.want) {
				t.Fatalf("%v", err)
			}
			if strings.Contains(e.Error(), "canary") || !strings.Contains(e.Message, s.URL+"/token") {
				t.Errorf("the error must name the place and nothing secret: %v", e)
			}
			if found := Unreachable(err); found != e {
				t.Errorf("Unreachable hides what is known: %v", found)
			}
		})
	}
}

func TestErrorAnswersPassThroughWhole(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte("<html>AADSTS90002</html>"))
	})
	resp, err := NewClient(Options{RequireJSON: true}).Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	var body bytes.Buffer
	if _, err := body.ReadFrom(resp.Body); err != nil || resp.StatusCode != 400 || !strings.Contains(body.String(), "AADSTS90002") {
		t.Error(resp.StatusCode, body.String(), err)
	}
}

func TestNobodyListening(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	_, err = NewClient(Options{}).Get("http://" + address + "/token?code=canary")
	e := Unreachable(err)
	if e == nil || e.Code != problem.Unreachable || strings.Contains(e.Error(), "canary") || !strings.Contains(e.Message, address+"/token: no answer") {
		t.Errorf("%v", e)
	}
	if Unreachable(context.Canceled) != nil {
		t.Error("only requests can be unanswered")
	}
}

func TestLinkLocalAddressesAreNeverProxied(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	for _, at := range []string{"http://169.254.169.254/metadata", "http://metadata.google.internal/x", "http://[fe80::1]/x"} {
		u, _ := url.Parse(at)
		if through, err := proxy(&http.Request{URL: u}); through != nil || err != nil {
			t.Errorf("%s through %v %v", at, through, err)
		}
	}
}

func TestLogHoldsNoQueryHeaderOrBody(t *testing.T) {
	var log bytes.Buffer
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("canary-body")) })
	client := NewClient(Options{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/p?x=canary", strings.NewReader("canary"))
	r.Header.Set("Authorization", "Bearer canary")
	if _, err := client.Do(r); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(log.String(), "canary") || !strings.Contains(log.String(), "status=200") || !strings.Contains(log.String(), "/p") {
		t.Error(log.String())
	}
}

func TestSilentServerEndsWithTheContext(t *testing.T) {
	hold := make(chan struct{})
	s := serve(t, func(http.ResponseWriter, *http.Request) { <-hold })
	t.Cleanup(func() { close(hold) })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	r, _ := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, nil)
	if _, err := NewClient(Options{}).Do(r); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// A server that drips is told that nobody waits any longer, and ends its answer as if it were whole.
func TestAnAnswerAfterTheDeadlineIsNone(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	late := transport(func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
	})
	r, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:9/token", nil)
	_, err := (&roundTripper{next: late, o: Options{RequireJSON: true}}).RoundTrip(r)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
