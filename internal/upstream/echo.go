package upstream

import (
	"bytes"
	"encoding/json"
	"errors"
	"html"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const (
	// repeated is how many bytes of a secret in a row are struck out of an answer.
	repeated = 12
	redacted = "[redacted]"
)

// sent is what a request proves its caller by. An answer that is an error may repeat it, whole or in part, and an error is
// shown to people, logged and remembered: it is struck out where it comes in, because only here is known what it is. The
// redactor knows but the shapes of tokens, and a client secret has none.
type sent struct {
	header http.Header
	body   []byte
}

// hear returns the request to send in the place of r, with a body of its own, and what it has in it. A server may answer
// before it has read everything, and net/http goes on reading the body then (http.RoundTripper): azcore begins the next try
// with the same reader, so that the two would share what is left of it.
func hear(r *http.Request) (*http.Request, *sent, error) {
	s := &sent{header: r.Header}
	if r.Body == nil || r.Body == http.NoBody {
		return r, s, nil
	}
	body, err := io.ReadAll(r.Body)
	if err = errors.Join(err, r.Body.Close()); err != nil {
		return nil, nil, err
	}
	s.body = body
	heard := *r
	heard.ContentLength = int64(len(body))
	if heard.Body = http.NoBody; len(body) == 0 {
		return &heard, s, nil
	}
	heard.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	heard.Body, err = heard.GetBody()
	return &heard, s, err
}

// Strike strikes what a request without a body proves its caller by out of its answer, and returns the answer's body.
func Strike(r *http.Request, resp *http.Response, body []byte) []byte {
	return (&sent{header: r.Header}).strike(resp, body)
}

// strike takes what was sent out of the headers of an answer, and returns its body without it. A token may begin as another
// does: what may be a good answer stays as it is.
func (s *sent) strike(resp *http.Response, body []byte) []byte {
	failed := resp.StatusCode >= 300 || refuses(body)
	if !failed && isObject(body) {
		return body
	}
	forms := s.forms()
	if len(forms) == 0 {
		return body
	}
	resp.Status = string(without([]byte(resp.Status), forms))
	for _, values := range resp.Header {
		for i, v := range values {
			values[i] = string(without([]byte(v), forms))
		}
	}
	if failed {
		return without(body, forms)
	}
	return body
}

// refuses says that an answer is an error whatever its status is.
func refuses(body []byte) bool {
	var answer struct {
		Error json.RawMessage `json:"error"`
	}
	return bytes.Contains(body, []byte(`"error"`)) && json.Unmarshal(body, &answer) == nil && len(answer.Error) > 0
}

// forms are the secrets, each also as JSON, HTML and a URL write it.
func (s *sent) forms() (forms [][]byte) {
	add := func(secret string) {
		if len(secret) < repeated {
			return
		}
		quoted, _ := json.Marshal(secret)
		for _, form := range []string{secret, string(bytes.Trim(quoted, `"`)), html.EscapeString(secret), url.QueryEscape(secret), url.PathEscape(secret)} {
			if !slices.ContainsFunc(forms, func(known []byte) bool { return string(known) == form }) {
				forms = append(forms, []byte(form))
			}
		}
	}
	// The last two are App Service's, Service Fabric's and Azure Machine Learning's.
	for _, name := range []string{"Authorization", "X-Identity-Header", "Secret"} {
		for _, value := range s.header[http.CanonicalHeaderKey(name)] {
			_, bare, found := strings.Cut(value, " ")
			if !found {
				bare = value
			}
			add(bare)
		}
	}
	form, err := url.ParseQuery(string(s.body))
	if err != nil {
		form = nil
	}
	var object map[string]any
	_ = json.Unmarshal(s.body, &object)
	for _, name := range []string{
		"client_secret", "client_assertion", "assertion", "subject_token", "actor_token", "refresh_token", "access_token", "token", "id_token", "code", "code_verifier", "device_code", "password",
		"subjectToken",
	} {
		for _, value := range form[name] {
			add(value)
		}
		if value, ok := object[name].(string); ok {
			add(value)
		}
	}
	return forms
}

// without returns text without any run of a form.
func without(text []byte, forms [][]byte) []byte {
	// Where a run may begin is told by a hash of its first bytes; most of a text is no such place.
	var begins [1 << 12]bool
	for _, form := range forms {
		for i := 0; i+repeated <= len(form); i++ {
			begins[beginning(form[i:])] = true
		}
	}
	var clean []byte
	kept := 0 // what of text is in clean, or struck out
	for i := 0; i+repeated <= len(text); i++ {
		if !begins[beginning(text[i:])] {
			continue
		}
		n := longest(text[i:], forms)
		if n < repeated {
			continue
		}
		clean = append(append(clean, text[kept:i]...), redacted...)
		kept = i + n
		i = kept - 1
	}
	if kept == 0 {
		return text
	}
	return append(clean, text[kept:]...)
}

func beginning(b []byte) uint16 {
	return (uint16(b[0]) ^ uint16(b[1])<<2 ^ uint16(b[2])<<5 ^ uint16(b[3])<<7) & (1<<12 - 1)
}

// longest is how many of text's first bytes are somewhere in one of the forms.
func longest(text []byte, forms [][]byte) (most int) {
	for _, form := range forms {
		for at := 0; ; {
			next := bytes.Index(form[at:], text[:repeated])
			if next < 0 {
				break
			}
			at += next
			n := repeated
			for n < len(text) && at+n < len(form) && text[n] == form[at+n] {
				n++
			}
			most = max(most, n)
			at++
		}
	}
	return most
}
