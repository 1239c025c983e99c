package fakecloud

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Exchange is what a client sent to the Security Token Service or to IAM Credentials, without any token.
type Exchange struct {
	Method, Path, ContentType string
	// Client is the header x-goog-api-client; Authorization the scheme of the header of that name.
	Client, Authorization string
	// Form has the fields of the body in their order, where it is a form; Body is any other.
	Form []string
	Body string
}

// Exchanges returns what both services have been sent, oldest first.
func (g *Google) Exchanges() []Exchange {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.exchanges)
}

// Principal says who an access token stands for, as IAM writes it (principal:…, serviceAccount:…), and until when. It knows
// none that has expired.
func (g *Google) Principal(token string) (principal string, expires time.Time, known bool) {
	t, ok := g.granted(token)
	return t.principal, t.expires, ok
}

// recorded keeps what next is asked.
func (g *Google) recorded(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		scheme, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		e := Exchange{Method: r.Method, Path: r.URL.Path, ContentType: r.Header.Get("Content-Type"), Client: r.Header.Get("X-Goog-Api-Client"), Authorization: scheme}
		if strings.HasPrefix(e.ContentType, "application/x-www-form-urlencoded") {
			for field := range strings.SplitSeq(string(body), "&") {
				if name, _, _ := strings.Cut(field, "="); strings.HasSuffix(name, "token") {
					field = name + "=…"
				}
				e.Form = append(e.Form, field)
			}
		} else if json.Valid(body) {
			e.Body = string(body)
		}
		g.mu.Lock()
		g.exchanges = append(g.exchanges, e)
		g.mu.Unlock()
		next(w, r)
	}
}
