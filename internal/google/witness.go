package google

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"

	"github.com/idferry/idferry/internal/sts"
	"github.com/idferry/idferry/internal/upstream"
)

// witness is the transport of one request for a token through x/oauth2. It binds the request to the context, which
// x/oauth2/jwt does not, and keeps what x/oauth2 flattens into text: the transport's error or the last refusal.
type witness struct {
	ctx     context.Context
	next    http.RoundTripper
	failure error
	refused *sts.Refusal
}

func (w *witness) RoundTrip(r *http.Request) (*http.Response, error) {
	w.failure, w.refused = nil, nil
	resp, err := w.next.RoundTrip(r.WithContext(w.ctx))
	if err != nil {
		w.failure = unanswered(&url.Error{Op: r.Method, URL: r.URL.String(), Err: err})
		return nil, err
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		_ = resp.Body.Close()
		if err != nil {
			return nil, err
		}
		refused := sts.ReadRefusal(resp.StatusCode, resp.Header.Get("Content-Type"), body)
		w.refused = &refused
		resp.Body = io.NopCloser(bytes.NewReader(body))
	}
	return resp, nil
}

// witnessed returns client with a witness as its transport.
func witnessed(ctx context.Context, client *http.Client) (*http.Client, *witness) {
	w := &witness{ctx: ctx, next: client.Transport}
	if w.next == nil {
		w.next = http.DefaultTransport
	}
	return &http.Client{Transport: w, CheckRedirect: client.CheckRedirect, Timeout: client.Timeout}, w
}

// unanswered says why there was no answer at all.
func unanswered(err error) error {
	if e := upstream.Unreachable(err); e != nil {
		return e
	}
	return err
}
