package google

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
	"github.com/idferry/idferry/internal/upstream"
)

// maxQuote bounds what is repeated of somebody else's error.
const maxQuote = 600

// refusal is an error answer of one of Google's endpoints: of its REST APIs
// (https://cloud.google.com/apis/design/errors#http_mapping) or of its token endpoints (RFC 6749 section 5.2).
type refusal struct {
	status int
	// code is PERMISSION_DENIED, invalid_grant and the like; empty when the answer is in no known form.
	code, message string
	// reason and consumer are of google.rpc.ErrorInfo.
	reason, consumer string
}

func readRefusal(status int, contentType string, body []byte) refusal {
	var answer struct {
		Error       json.RawMessage `json:"error"`
		Description string          `json:"error_description"`
	}
	r := refusal{status: status}
	if json.Unmarshal(body, &answer) == nil && len(answer.Error) > 0 {
		var api struct {
			Status, Message string
			Details         []struct {
				Reason   string
				Metadata struct{ Consumer string }
			}
		}
		switch {
		case json.Unmarshal(answer.Error, &r.code) == nil:
			r.message = answer.Description
		case json.Unmarshal(answer.Error, &api) == nil:
			r.code, r.message = api.Status, api.Message
			for _, d := range api.Details {
				if d.Reason != "" {
					r.reason, r.consumer = d.Reason, d.Metadata.Consumer
				}
			}
		}
	}
	if r.code == "" && r.message == "" {
		if contentType == "" {
			contentType = http.DetectContentType(body)
		}
		r.message = "with " + contentType + ", not JSON"
	}
	return r
}

// problem says what was refused.
func (r refusal) problem(what string) *problem.Error {
	code, said := r.code, strings.TrimSpace(r.code+": "+quote(r.message))
	if code == "" {
		return problem.New(problem.Refused, "%s: answered %d, %s", what, r.status, quote(r.message))
	}
	return problem.New(code, "%s: answered %d %s", what, r.status, strings.TrimSuffix(said, ":"))
}

// quote makes somebody else's text fit to be shown: on one line, without credentials, not too long, no full stop.
func quote(text string) string { return token.Quote(text, maxQuote) }

// witness is the transport of one request for a token through x/oauth2. It binds the request to the context, which
// x/oauth2/jwt does not, and keeps what x/oauth2 flattens into text: the transport's error or the last refusal.
type witness struct {
	ctx     context.Context
	next    http.RoundTripper
	failure error
	refused *refusal
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
		refused := readRefusal(resp.StatusCode, resp.Header.Get("Content-Type"), body)
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
