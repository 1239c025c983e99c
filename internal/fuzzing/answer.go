package fuzzing

import (
	"io"
	"net/http"
	"strings"
	"time"
)

// Answer is what somebody on a network answers.
type Answer struct {
	Status            int
	ContentType, Body string
	// Header is what else it says.
	Header map[string]string
}

// Client is a client of a network on which everybody answers what answer says. Nothing leaves the process.
func Client(answer func(*http.Request) Answer) *http.Client {
	return &http.Client{
		Transport:     network(answer),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

type network func(*http.Request) Answer

// RoundTrip implements http.RoundTripper.
func (n network) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	a := n(r)
	header := http.Header{}
	if a.ContentType != "" {
		header.Set("Content-Type", a.ContentType)
	}
	for name, value := range a.Header {
		if value != "" {
			header.Set(name, value)
		}
	}
	status := Status(a.Status)
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(strings.NewReader(a.Body)), ContentLength: int64(len(a.Body)), Request: r,
	}, nil
}

// Status makes a status of any number: of a final answer, as net/http hands it on.
func Status(n int) int {
	if n >= 200 && n < 600 {
		return n
	}
	return 200 + max(n%400, -n%400)
}

// Hurry is how long a call may take whose answers are at hand: too short for anybody to pause and repeat.
const Hurry = 350 * time.Millisecond
