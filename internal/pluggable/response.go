package pluggable

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// Version is the version of the response format (AIP-4117).
const Version = 1

// response is the document, its fields in the order of Google's documentation.
type response struct {
	Version        int    `json:"version"`
	Success        bool   `json:"success"`
	TokenType      string `json:"token_type"`
	ExpirationTime int64  `json:"expiration_time,omitempty"`
	IDToken        string `json:"id_token,omitempty"`
	Code           string `json:"code,omitempty"`
	Message        string `json:"message,omitempty"`
}

// Success returns the document that hands over t. An Entra access token goes into id_token as well: the format has
// no field of another name for it. expiration_time (seconds since the epoch) is early by PublishedExpiry's margin,
// because no client allows a skew when it reads the output file.
func Success(r Request, t token.Token, now time.Time) []byte {
	return document(response{
		Version: Version, Success: true, TokenType: r.responseType(),
		ExpirationTime: t.PublishedExpiry(now).Unix(), IDToken: t.Value.Reveal(),
	})
}

// Revoked returns the document that says this identity's tokens are forgotten.
func Revoked(r Request) []byte {
	return document(response{Version: Version, Success: true, TokenType: r.responseType()})
}

// Failure returns the document for err. Clients show code and message and nothing else, so the message carries the
// hint too.
func Failure(r Request, err error) []byte {
	e := problem.From(err)
	return document(response{
		Version: Version, TokenType: r.responseType(), Code: e.Code,
		// Line breaks survive JSON but not the one-line errors that gcloud and Terraform print; nor do terminals what JSON escapes.
		Message: token.Line(token.NewRedactor().Clean(e.Error())),
	})
}

func document(r response) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(r) // strings, numbers and booleans always encode
	return b.Bytes()
}
