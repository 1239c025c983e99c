package upstream

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/idferry/idferry/internal/fuzzing"
	"github.com/idferry/idferry/internal/problem"
)

// Whatever a host answers is handed on whole, or refused without anything of it but its kind.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{"", "{}", " \t\r\n{", "null", "<html>" + fuzzing.Token, "\x1b[2J", strings.Repeat("x", 4000)} {
		f.Add(200, "application/json", "", body, uint8(1), true)
		f.Add(302, "text/html; charset=utf-8", "https://user:secret@evil.example/?t=1", body, uint8(1), false)
		f.Add(500, "\x1b[2J"+strings.Repeat("x", 3000), "%zz", body, uint8(255), true)
	}
	judge := fuzzing.NewJudge()
	f.Fuzz(func(t *testing.T, status int, contentType, location, body string, times uint8, requireJSON bool) {
		// Up to a megabyte and a little more.
		whole := strings.Repeat(body, 1+int(times)*int(times)/16)
		if len(whole) > maxBody+len(body) {
			whole = whole[:maxBody+1]
		}
		inner := fuzzing.Client(func(*http.Request) fuzzing.Answer {
			return fuzzing.Answer{Status: status, ContentType: contentType, Body: whole, Header: map[string]string{"Location": location}}
		})
		client := &http.Client{Transport: &roundTripper{next: inner.Transport, o: Options{RequireJSON: requireJSON}}}
		r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "https://u:"+fuzzing.Canary+"@host.example/path?token="+fuzzing.Canary, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(r)
		redirects := fuzzing.Status(status)/100 == 3
		if err != nil {
			var u *url.Error
			if !errors.As(err, &u) {
				t.Fatalf("%T", err)
			}
			e := Unreachable(err)
			judge.Answered(t, e)
			if e.Code != problem.BadAnswer {
				t.Errorf("%v", e)
			}
			return
		}
		got, err := io.ReadAll(resp.Body)
		if err != nil || string(got) != whole || redirects || len(whole) > maxBody {
			t.Errorf("%d bytes of %d, %v, status %d", len(got), len(whole), err, resp.StatusCode)
		}
		if requireJSON && resp.StatusCode < 300 && !strings.HasPrefix(strings.TrimSpace(whole), "{") {
			t.Errorf("%q is taken for JSON", whole)
		}
	})
}
