package faults

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// run12 is how much of a secret may be seen by nobody: as many bytes in a row.
const run12 = 12

// overheard are the secrets that went through a gate, in either direction.
type overheard struct {
	mu      sync.Mutex
	secrets map[string]bool
}

func (o *overheard) keep(values ...string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.secrets == nil {
		o.secrets = map[string]bool{}
	}
	for _, v := range values {
		if len(v) >= run12 {
			o.secrets[v] = true
		}
	}
}

func (o *overheard) all() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []string
	for s := range o.secrets {
		all = append(all, s)
	}
	return all
}

// hearRequest keeps what proves who asks.
func (o *overheard) hearRequest(r *http.Request) {
	for _, name := range []string{"Authorization", "X-Identity-Header", "Secret"} {
		for _, v := range r.Header[http.CanonicalHeaderKey(name)] {
			_, bare, ok := strings.Cut(v, " ")
			if !ok {
				bare = v
			}
			o.keep(bare)
		}
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	o.hearFields(body)
	if form, err := url.ParseQuery(string(body)); err == nil {
		for _, name := range []string{"client_assertion", "client_secret", "assertion", "refresh_token", "subject_token", "access_token", "token"} {
			o.keep(form[name]...)
		}
	}
}

// hearAnswer keeps the tokens of an answer.
func (o *overheard) hearAnswer(r *http.Response) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	_ = r.Body.Close()
	r.Body = io.NopCloser(bytes.NewReader(body))
	if text := string(body); strings.HasPrefix(text, "eyJ") {
		o.keep(strings.TrimSpace(text))
	}
	o.hearFields(body)
	return nil
}

func (o *overheard) hearFields(body []byte) {
	var fields map[string]any
	if json.Unmarshal(body, &fields) != nil {
		return
	}
	for _, name := range []string{"access_token", "id_token", "token", "accessToken", "oidcToken", "value", "subject_token", "refresh_token"} {
		if v, ok := fields[name].(string); ok {
			o.keep(v)
		}
	}
}
