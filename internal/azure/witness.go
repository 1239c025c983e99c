package azure

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	msal "github.com/AzureAD/microsoft-authentication-library-for-go/apps/errors"

	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
	"github.com/idferry/idferry/internal/upstream"
)

// witness keeps the last failure of one call, which azidentity flattens into text.
type witness struct {
	mu       sync.Mutex
	failure  error
	answer   *http.Response
	failures int
	// answered is set where the last answer was no refusal.
	answered bool
}

type witnessKey struct{}

// last returns the last request's answer when that was a refusal, or the transport's error.
func (w *witness) last() (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.answer, w.failure
}

func (w *witness) see(resp *http.Response, failure error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer, w.failure, w.answered = resp, failure, resp == nil && failure == nil
	if failure != nil {
		w.failures++
	}
}

// explain returns err as users see it.
func (w *witness) explain(err error) error {
	var known *problem.Error
	if errors.As(err, &known) {
		return known
	}
	answer, failure := w.last()
	switch {
	case failure != nil:
		return entra.Explain(failure)
	case answer != nil:
		return entra.Explain(msal.CallErr{Resp: answer, Err: err})
	}
	e := problem.From(entra.Explain(err))
	if e.Code == problem.Unexpected && w.usedNothing() {
		return entra.Unusable(e).WithHint("a proxy or a sign-in page may be answering in its place: check HTTPS_PROXY and NO_PROXY")
	}
	return e
}

// usedNothing reports whether there was an answer, no refusal, of which nothing could be made.
func (w *witness) usedNothing() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.answered
}

// witnessed returns client with a transport that reports to the context's witness.
func witnessed(client *http.Client, w watched) *http.Client {
	if w.next = client.Transport; w.next == nil {
		w.next = http.DefaultTransport
	}
	return &http.Client{Transport: &w, CheckRedirect: client.CheckRedirect, Timeout: client.Timeout}
}

type watched struct {
	next http.RoundTripper
	// rewrite, when set, changes where a request goes.
	rewrite func(*url.URL)
	// look, when set, may turn an answer into an error.
	look func(*http.Response, []byte) error
}

// maxAnswer bounds the answer of a client that has no bound of its own.
const maxAnswer = 1 << 20

func (t *watched) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.rewrite != nil {
		r = r.Clone(r.Context())
		t.rewrite(r.URL)
		r.Host = r.URL.Host
	}
	resp, err := t.next.RoundTrip(r)
	var body []byte
	if err == nil {
		body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
		_ = resp.Body.Close()
		if err == nil {
			err = cutShort(r.Context())
		}
		resp.Body = io.NopCloser(bytes.NewReader(body))
	}
	if err == nil && t.look != nil {
		err = t.look(resp, body)
	}
	if err == nil {
		// MSAL's client for managed identities falls over null (accesstokens.TokenResponse.UnmarshalJSON).
		err = upstream.RequireObject(r, resp, body)
	}
	if w, ok := r.Context().Value(witnessKey{}).(*witness); ok {
		w.report(r, resp, body, err)
	}
	if err != nil {
		return nil, err
	}
	return resp, nil
}

// cutShort says why an answer that looks whole may not be: giving a request up closes its connection, and a server that is told
// so ends its answer as if it were whole.
func cutShort(ctx context.Context) error { return ctx.Err() }

// report keeps what became of a request.
func (w *witness) report(r *http.Request, resp *http.Response, body []byte, err error) {
	switch {
	case err != nil:
		var u *url.Error
		if !errors.As(err, &u) {
			u = &url.Error{Op: r.Method, URL: r.URL.String(), Err: err}
		}
		w.see(nil, u)
	case resp.StatusCode > 299:
		seen := *resp
		seen.Body = io.NopCloser(bytes.NewReader(body))
		w.see(&seen, nil)
	default:
		w.see(nil, nil)
	}
}

// patience is how azcore's retry policy treats one kind of endpoint.
type patience struct {
	statuses []int
	// failures is how often a request that got no answer is repeated.
	failures int
}

// entraPatience repeats what azcore repeats by itself.
func entraPatience() patience {
	return patience{failures: 2, statuses: []int{
		http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
	}}
}

// retryDelay is the first pause; the n-th is 2^n - 1 times as long, and up to three tenths more (azcore's calcDelay).
const retryDelay = 500 * time.Millisecond

// ask calls one of azidentity's credentials. It repeats for as long as ctx allows and no longer, so that what came back
// last is the error rather than the deadline; without a deadline, for 20 seconds.
func ask(ctx context.Context, credential azcore.TokenCredential, scope string, p patience) (token.Token, *witness, error) {
	w := &witness{}
	t, err := credential.GetToken(p.within(ctx, w), policy.TokenRequestOptions{Scopes: []string{scope}})
	if err != nil {
		return token.Token{}, w, err
	}
	return fromAzidentity(t), w, nil
}

// within returns a context in which azcore repeats requests as p says, and w sees them.
func (p patience) within(ctx context.Context, w *witness) context.Context {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(20 * time.Second)
	}
	tries := 0
	options := policy.RetryOptions{
		MaxRetries: 20, RetryDelay: retryDelay, MaxRetryDelay: max(time.Until(deadline), time.Millisecond),
		ShouldRetry: func(resp *http.Response, err error) bool {
			tries++
			pause := retryDelay * time.Duration(1<<min(tries, 10)-1) * 13 / 10
			if asked := retryAfter(resp); asked > 0 {
				pause = asked
			}
			if time.Until(deadline) < pause+time.Second {
				return false
			}
			if err != nil {
				var timeout interface{ Timeout() bool }
				return !upstream.Lasting(err) && !(errors.As(err, &timeout) && timeout.Timeout()) && w.count() <= p.failures
			}
			for _, status := range p.statuses {
				if resp.StatusCode == status {
					return true
				}
			}
			return false
		},
	}
	return context.WithValue(policy.WithRetryOptions(ctx, options), witnessKey{}, w)
}

func (w *witness) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failures
}

func retryAfter(resp *http.Response) time.Duration {
	if resp == nil {
		return 0
	}
	for _, h := range []struct {
		name string
		unit time.Duration
	}{{"Retry-After-Ms", time.Millisecond}, {"X-Ms-Retry-After-Ms", time.Millisecond}, {"Retry-After", time.Second}} {
		if n, err := strconv.Atoi(resp.Header.Get(h.name)); err == nil && n > 0 {
			return time.Duration(n) * h.unit
		}
	}
	if at, err := http.ParseTime(resp.Header.Get("Retry-After")); err == nil {
		return time.Until(at)
	}
	return 0
}
