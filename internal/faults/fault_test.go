package faults

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// fault is one way in which an endpoint is not what it should be.
type fault struct {
	name string
	// set gives it to a gate; nil leaves the gate as it is.
	set func(*gate)
	// tls marks what only an endpoint with TLS can have.
	tls bool
	// silent marks that no answer ever comes, so that the program's own deadline ends the call.
	silent bool
	// skew is how far the clouds' clock is ahead of the machine's.
	skew time.Duration
}

const (
	// deadline is the program's own, where an answer can be expected; soon where there will be none.
	deadline = 5 * time.Second
	soon     = 2 * time.Second
)

// faults are the columns of the matrix. refusal is the endpoint's own answer to what it does not take; redirects lead to other.
func faults(refusal document, other *elsewhere) []fault {
	html := document{"text/html; charset=utf-8", page}
	return []fault{
		{name: "refused", set: func(g *gate) { g.closed = true }},
		{name: "reset", set: answers(reset)},
		{name: "blackhole", silent: true, set: func(g *gate) { g.deaf = true }},
		{name: "silence", silent: true, set: answers(silence)},
		{name: "slow drip", silent: true, set: answers(drip)},
		{name: "TLS expired", tls: true, set: func(g *gate) { g.present = func(c *certificates) *tls.Certificate { return &c.expired } }},
		{name: "TLS wrong host", tls: true, set: func(g *gate) { g.present = func(c *certificates) *tls.Certificate { return &c.foreign } }},
		{name: "400 JSON", set: answers(status(400, refusal))},
		{name: "400 HTML", set: answers(status(400, html))},
		{name: "401", set: answers(status(401, nothing))},
		{name: "403", set: answers(status(403, nothing))},
		{name: "404", set: answers(status(404, nothing))},
		{name: "429, in 1 s well", set: once(status(429, nothing, "Retry-After", "1"))},
		{name: "429, at a date well", set: once(func(w http.ResponseWriter, r *http.Request) {
			status(429, nothing, "Retry-After", time.Now().Add(2*time.Second).UTC().Format(http.TimeFormat))(w, r)
		})},
		{name: "429, in an hour", set: answers(status(429, nothing, "Retry-After", "3600"))},
		{name: "500", set: answers(status(500, nothing))},
		{name: "503, then well", set: once(status(503, html))},
		{name: "truncated JSON", set: answers(truncated)},
		{name: "huge body", set: answers(huge)},
		{name: "redirect", set: func(g *gate) { answers(redirect(g, other))(g) }},
		{name: "HTML for an answer", set: answers(status(200, html))},
		{name: "no token in it", set: answers(status(200, document{"application/json", `{"other":"` + otherDocument + `"}`}))},
		{name: "JSON as text/html", set: retyped},
		{name: "clock a day behind", skew: 24 * time.Hour},
		{name: "clock a day ahead", skew: -24 * time.Hour},
	}
}

// What broken answers hold, of which nothing is to be quoted.
const (
	page           = "<html><body>Sign in to the guest network</body></html>"
	otherDocument  = "canary-of-another-document"
	truncatedToken = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJ0cnVuY2F0ZWQiOiJjYW5hcnkifQ"
	hugeToken      = "canary-of-a-huge-body."
)

// document is a body with its type.
type document struct{ kind, body string }

var nothing = document{}

// answers has every request answered by h.
func answers(h http.HandlerFunc) func(*gate) {
	return func(g *gate) { g.answer = func(http.Handler) http.HandlerFunc { return h } }
}

// once has the first request answered by h, and the next ones by the endpoint.
func once(h http.HandlerFunc) func(*gate) {
	return func(g *gate) {
		var asked atomic.Bool
		g.answer = func(endpoint http.Handler) http.HandlerFunc {
			if asked.Swap(true) {
				return endpoint.ServeHTTP
			}
			return h
		}
	}
}

// status answers with a code, a document and headers, by name and value.
func status(code int, d document, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		if d.kind != "" {
			w.Header().Set("Content-Type", d.kind)
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, d.body)
	}
}

func reset(w http.ResponseWriter, _ *http.Request) {
	if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
		cut(c)
	}
}

func silence(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// drip gives a space now and then, which JSON may begin with.
func drip(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
			if _, err := io.WriteString(w, " "); err != nil || http.NewResponseController(w).Flush() != nil {
				return
			}
		}
	}
}

// truncated promises more than it gives.
func truncated(w http.ResponseWriter, r *http.Request) {
	const whole = `{"token_type":"Bearer","expires_in":3599,"access_token":"` + truncatedToken
	w.Header().Set("Content-Length", strconv.Itoa(len(whole)+500))
	status(200, document{"application/json", whole})(w, r)
}

// huge is an object without end, as far as anybody should read.
func huge(w http.ResponseWriter, r *http.Request) {
	status(200, document{"application/json", `{"access_token":"`})(w, r)
	more := bytes.Repeat([]byte(hugeToken), 1<<10)
	for n := 0; n < 8<<20; n += len(more) {
		if _, err := w.Write(more); err != nil {
			return
		}
	}
}

// redirect keeps method and body, as 307 does, so that whoever follows it hands over all that it has.
func redirect(g *gate, other *elsewhere) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		scheme := "http"
		if g.certs != nil {
			scheme = "https"
		}
		w.Header().Set("Location", scheme+other.url+r.URL.RequestURI())
		w.WriteHeader(http.StatusTemporaryRedirect)
	}
}

// retyped has the endpoint's own good answer told as something that it is not.
func retyped(g *gate) {
	g.answer = func(endpoint http.Handler) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { endpoint.ServeHTTP(&misnamed{ResponseWriter: w}, r) }
	}
}

type misnamed struct{ http.ResponseWriter }

func (m *misnamed) WriteHeader(code int) {
	if !strings.HasPrefix(m.Header().Get("Content-Type"), "text/html") {
		m.Header().Set("Content-Type", "text/html; charset=utf-8")
	}
	m.ResponseWriter.WriteHeader(code)
}
