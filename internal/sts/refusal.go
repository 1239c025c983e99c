package sts

import (
	"encoding/json"
	"strings"

	"github.com/idferry/idferry/internal/catalogue"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
	"github.com/idferry/idferry/internal/upstream"
)

// maxQuote bounds what is repeated of somebody else's error.
const maxQuote = 600

// Refusal is an error answer of one of Google's endpoints: of its REST APIs
// (https://cloud.google.com/apis/design/errors#http_mapping) or of its token endpoints (RFC 6749 section 5.2).
type Refusal struct {
	Status int
	// Code is PERMISSION_DENIED, invalid_grant and the like; empty when the answer is in no known form.
	Code, Message string
	// Reason and Consumer are of google.rpc.ErrorInfo.
	Reason, Consumer string
}

// ReadRefusal reads an answer that is no success.
func ReadRefusal(status int, contentType string, body []byte) Refusal {
	var answer struct {
		Error       json.RawMessage `json:"error"`
		Description string          `json:"error_description"`
	}
	r := Refusal{Status: status}
	if json.Unmarshal(body, &answer) == nil && len(answer.Error) > 0 {
		var api struct {
			Status, Message string
			Details         []struct {
				Reason   string
				Metadata struct{ Consumer string }
			}
		}
		switch {
		case json.Unmarshal(answer.Error, &r.Code) == nil:
			r.Message = answer.Description
		case json.Unmarshal(answer.Error, &api) == nil:
			r.Code, r.Message = api.Status, api.Message
			for _, d := range api.Details {
				if d.Reason != "" {
					r.Reason, r.Consumer = d.Reason, d.Metadata.Consumer
				}
			}
		}
	}
	if r.Code != "" && !problem.IsCode(r.Code) {
		r.Code, r.Message = "", strings.TrimSuffix(r.Code+": "+r.Message, ": ")
	}
	if r.Code == "" && r.Message == "" {
		r.Message = "with " + upstream.Describe(contentType, body) + ", not JSON"
	}
	return r
}

// Problem says what was refused, with the catalogue's advice, filled with values, where there is any.
func (r Refusal) Problem(what string, values catalogue.Values) *problem.Error {
	code, said := r.Code, strings.TrimSpace(r.Code+": "+Quote(r.Message))
	if code == "" {
		return problem.New(problem.Refused, "%s: answered %d, %s", what, r.Status, Quote(r.Message))
	}
	e := problem.New(code, "%s: answered %d %s", what, r.Status, strings.TrimSuffix(said, ":"))
	if entry, ok := find(code, r.Message+" "+r.Reason, values); ok {
		return e.WithAdvice(entry.Advice(values))
	}
	e.Said = token.Quote(r.Message, maxSaid)
	return e
}

// maxSaid bounds what is kept of a refusal that nobody knows.
const maxSaid = 8 << 10

// Quote makes somebody else's text fit to be shown: on one line, without credentials, not too long, no full stop.
func Quote(text string) string { return token.Quote(text, maxQuote) }
