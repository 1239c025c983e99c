package upstream

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
)

// late answers before it has read what is sent, and reads it when there has been another try.
type late struct {
	t    *testing.T
	left io.Reader
	read []string
}

func (l *late) RoundTrip(r *http.Request) (*http.Response, error) {
	if l.left == nil {
		l.left = r.Body
		return &http.Response{StatusCode: http.StatusServiceUnavailable, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
	}
	for _, body := range []io.Reader{l.left, r.Body} {
		text, err := io.ReadAll(body)
		if err != nil {
			l.t.Error(err)
		}
		l.read = append(l.read, string(text))
	}
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
}

func TestATryIsSentWholeWhileTheLastIsStillBeingRead(t *testing.T) {
	const form = "client_assertion=abc"
	l := &late{t: t}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://login.example/token", io.MultiReader(strings.NewReader(form)))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := NewRepeater(t.Context(), &http.Client{Transport: &roundTripper{next: l}}).Do(request)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp, err)
	}
	_ = resp.Body.Close()
	if len(l.read) != 2 || l.read[0] != form || l.read[1] != form {
		t.Errorf("%q", l.read)
	}
}

// A body without bytes is none, which net/http would send in chunks.
func TestABodyWithoutBytesIsNone(t *testing.T) {
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://login.example/token", io.MultiReader(&bytes.Buffer{}))
	if err != nil {
		t.Fatal(err)
	}
	if heard, _, err := hear(request); err != nil || heard.Body != http.NoBody || heard.ContentLength != 0 {
		t.Error(heard.Body, heard.ContentLength, err)
	}
}
