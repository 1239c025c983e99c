package doctor

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/upstream"
)

// Way is the network's way to a cloud's endpoint, and the clock that answers there.
type Way struct {
	// Client makes the request; nil means one of package upstream.
	Client *http.Client
	// Judge says what is wrong with an answer, by its status and body; nil takes every one.
	Judge func(status int, body []byte) error

	address string
	lookup  func(string) (string, bool)
	now     func() time.Time
	// host answered with date, half of the time between sent and got after sent.
	host, date string
	sent, got  time.Time
}

// NewWay is the way to an address that is asked with GET and no credential. lookup reads the environment for what is shown
// of certificates.
func NewWay(address string, lookup func(string) (string, bool), now func() time.Time) *Way {
	return &Way{address: address, lookup: lookup, now: now}
}

// Clocks that are further apart than this are worth a note, or break what the clouds check: Google allows a minute, Entra
// ID five.
const (
	noticeable = 20 * time.Second
	tooFar     = time.Minute
)

// Examine is the hop to the endpoint.
func (w *Way) Examine(ctx context.Context, h *Hop) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.address, nil)
	if err != nil {
		return problem.Input("address", "%w", err)
	}
	h.Summary = r.URL.Host + " answers"
	w.describe(h, r)
	client := w.Client
	if client == nil {
		client = upstream.NewClient(upstream.Options{})
	}
	sent := w.now()
	resp, err := client.Do(r)
	if err != nil {
		return w.unanswered(err)
	}
	defer resp.Body.Close()
	w.host, w.date, w.sent, w.got = r.URL.Host, resp.Header.Get("Date"), sent, w.now()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if w.Judge != nil {
		return w.Judge(resp.StatusCode, body)
	}
	return nil
}

// describe says through what the request goes.
func (w *Way) describe(h *Hop, r *http.Request) {
	if proxy, err := http.ProxyFromEnvironment(r); err != nil {
		h.Add("proxy", "the variable of the proxy is unusable")
	} else if proxy != nil {
		h.Add("proxy", (&url.URL{Scheme: proxy.Scheme, Host: proxy.Host}).String())
	}
	for _, name := range []string{"SSL_CERT_FILE", "SSL_CERT_DIR"} {
		if value, _ := w.lookup(name); value != "" {
			h.Add(name, value)
		}
	}
}

// unanswered says why there was no answer, and whether the clock is the reason.
func (w *Way) unanswered(err error) error {
	var invalid x509.CertificateInvalidError
	e := upstream.Unreachable(err)
	switch {
	case e == nil:
		return err
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil:
		now := w.now().UTC()
		a := &problem.Advice{
			Cause: "this machine's clock shows " + now.Format(time.RFC3339) + ", and the certificate is valid from " + invalid.Cert.NotBefore.UTC().Format(time.RFC3339) + " to " + invalid.Cert.NotAfter.UTC().Format(time.RFC3339),
			Mend:  "set the clock, or find out who answers with such a certificate", Run: []string{"timedatectl set-ntp true"},
		}
		return e.WithAdvice(a)
	case e.Hint == "":
		return e.WithHint("check the network, and the proxy (HTTPS_PROXY, NO_PROXY)")
	}
	return e
}

// Clock is the hop that compares this machine's clock with that of the endpoint, whose Date is of a whole second
// (RFC 9110 section 6.6.1).
func (w *Way) Clock(_ context.Context, h *Hop) error {
	there, err := http.ParseTime(w.date)
	if err != nil {
		return Skip("not known: nobody has answered with the time")
	}
	here := w.sent.Add(w.got.Sub(w.sent) / 2)
	off := here.Sub(there.Add(500 * time.Millisecond)).Round(time.Second)
	direction := "ahead of"
	if off < 0 {
		direction = "behind"
	}
	said := "this machine's clock is " + Long(off.Abs()) + " " + direction + " that of " + w.host
	switch {
	case off.Abs() > tooFar:
		return problem.New("clock", "%s", said).WithAdvice(&problem.Advice{
			Cause: "tokens look expired, or not valid yet, to one of the two sides", Mend: "set it", Run: []string{"timedatectl set-ntp true"},
		})
	case off.Abs() > noticeable:
		h.Warn("it is worth setting: Google allows a minute")
		h.Summary = said
	default:
		h.Summary = "within " + Long(max(off.Abs(), time.Second)) + " of that of " + w.host
	}
	return nil
}
