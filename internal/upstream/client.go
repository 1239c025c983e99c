// Package upstream is the HTTP client through which every cloud endpoint is asked: bounded in time and size,
// deaf to redirects, and honest about an answer that is not what the endpoint documents.
package upstream

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// mostSaid bounds what is said of an answer that could not be read.
const mostSaid = 1000

// maxBody bounds an answer. The largest real one is a token answer; Entra's stay under 100 kB.
const maxBody = 1 << 20

// Options shapes a client. The zero value is usable.
type Options struct {
	// DialTimeout bounds TCP connect. Zero means five seconds.
	DialTimeout time.Duration
	// RequireJSON turns a 2xx answer that is not a JSON object into a problem.BadAnswer.
	RequireJSON bool
	// Direct are hosts that are never asked through a proxy, as link-local addresses are not: a machine's own endpoints.
	Direct []string
	// Log receives one debug line a request: method, host, path, status and duration; never a query, header or body.
	Log *slog.Logger
}

// NewClient returns a client of its own connections. It honours HTTPS_PROXY and NO_PROXY, except that link-local
// addresses (the metadata services of both clouds) are never asked through a proxy: whoever answers there is
// handed to as the machine's identity.
func NewClient(o Options) *http.Client {
	return &http.Client{
		Transport: &roundTripper{next: NewTransport(o), o: o},
		// A redirect would carry an assertion or a secret to a host nobody configured, so none is followed.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// NewTransport returns what NewClient dials with, for whoever has to change it: answers are neither bounded nor looked at.
func NewTransport(o Options) *http.Transport {
	if o.DialTimeout == 0 {
		o.DialTimeout = 5 * time.Second
	}
	return &http.Transport{
		Proxy: func(r *http.Request) (*url.URL, error) {
			if slices.Contains(o.Direct, r.URL.Hostname()) {
				return nil, nil
			}
			return proxy(r)
		},
		DialContext:           (&net.Dialer{Timeout: o.DialTimeout, KeepAlive: -1}).DialContext,
		ForceAttemptHTTP2:     true,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 20 * time.Second,
		MaxIdleConns:          4,
		IdleConnTimeout:       30 * time.Second,
	}
}

func proxy(r *http.Request) (*url.URL, error) {
	host := r.URL.Hostname()
	if ip, err := netip.ParseAddr(host); (err == nil && ip.IsLinkLocalUnicast()) || host == "metadata.google.internal" {
		return nil, nil
	}
	return http.ProxyFromEnvironment(r)
}

type roundTripper struct {
	next http.RoundTripper
	o    Options
}

func (t *roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	start := time.Now()
	var resp *http.Response
	heard, sent, err := hear(r)
	if err == nil {
		resp, err = t.next.RoundTrip(heard)
	}
	if err == nil {
		resp.Request = r
		err = t.inspect(r, sent, resp)
	}
	t.log(r, resp, err, time.Since(start))
	if err != nil {
		return nil, err
	}
	return resp, nil
}

// CloseIdleConnections lets http.Client close what the wrapped transport keeps.
func (t *roundTripper) CloseIdleConnections() {
	if c, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// inspect reads the whole body within its bound, so that one place tells apart a real answer, an oversized one
// and a sign-in page.
func (t *roundTripper) inspect(r *http.Request, sent *sent, resp *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	_ = resp.Body.Close()
	if err == nil {
		// Giving a request up closes its connection, and a server that is told so ends its answer as if it were whole.
		err = r.Context().Err()
	}
	body = sent.strike(resp, body)
	where := r.Method + " " + place(r.URL)
	switch {
	case len(body) > maxBody:
		return problem.New(problem.BadAnswer, "%s answered %d with more than %d bytes", where, resp.StatusCode, maxBody)
	case err != nil:
		return err
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		target, _ := url.Parse(resp.Header.Get("Location"))
		if target == nil {
			target = &url.URL{}
		}
		return problem.New(problem.BadAnswer, "%s answered %d, a redirect to %q; a token endpoint never redirects", where, resp.StatusCode, target.Host).
			WithHint("see what answers there: curl -sSI %s", place(r.URL))
	case t.o.RequireJSON:
		if err := RequireObject(r, resp, body); err != nil {
			return err
		}
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	resp.ContentLength = int64(len(body))
	return nil
}

// RequireObject returns the problem.BadAnswer for a 2xx answer that is not a JSON object.
func RequireObject(r *http.Request, resp *http.Response, body []byte) error {
	if resp.StatusCode >= 300 || isObject(body) {
		return nil
	}
	return problem.New(problem.BadAnswer, "%s %s answered %d with %s, not JSON", r.Method, place(r.URL), resp.StatusCode, Describe(resp.Header.Get("Content-Type"), body)).
		WithHint("a proxy or a sign-in page may be answering in its place: curl -sSi %s", place(r.URL))
}

func isObject(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{"))
}

// Describe says what an answer is that is not what it should be, going by its Content-Type where that is one.
func Describe(contentType string, body []byte) string {
	if len(body) == 0 {
		return "nothing"
	}
	if _, _, err := mime.ParseMediaType(contentType); err == nil && len(contentType) < 100 && !strings.ContainsFunc(contentType, unicode.IsControl) {
		return contentType
	}
	return http.DetectContentType(body)
}

// place is a URL without user, query and fragment, which may carry what must not be shown.
func place(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

func (t *roundTripper) log(r *http.Request, resp *http.Response, err error, took time.Duration) {
	if t.o.Log == nil {
		return
	}
	attrs := []any{"method", r.Method, "url", place(r.URL), "took", took.Round(time.Microsecond)}
	if resp != nil {
		attrs = append(attrs, "status", resp.StatusCode)
	}
	if err != nil {
		attrs = append(attrs, "error", err)
	}
	t.o.Log.Debug("request", attrs...)
}

// Unreachable says in one sentence why a request got no answer, when that is what err means; otherwise it
// returns nil.
func Unreachable(err error) *problem.Error {
	var u *url.Error
	if !errors.As(err, &u) {
		return nil
	}
	var known *problem.Error
	if errors.As(u.Err, &known) {
		return known
	}
	at := u.URL
	if parsed, perr := url.Parse(u.URL); perr == nil {
		at = place(parsed)
	}
	if u.Err != nil && u.Err.Error() == http.StatusText(http.StatusProxyAuthRequired) {
		// What net/http makes of a proxy's answer to CONNECT.
		return problem.New(problem.Unreachable, "%s %s: the proxy answered 407: %w", u.Op, at, u.Err).
			WithHint("put the proxy's user and password into HTTPS_PROXY (http://USER:PASSWORD@HOST:PORT), or name what needs no proxy in NO_PROXY")
	}
	e := problem.New(problem.Unreachable, "%s %s: no answer: %w", u.Op, at, u.Err)
	// net/http quotes a header that it cannot read, whole.
	e.Message = token.Quote(e.Message, mostSaid)
	return e
}
