package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/idferry/idferry/internal/problem"
)

// secure is an https server that says what becomes of its connections.
type secure struct {
	*httptest.Server
	mu      sync.Mutex
	changes map[http.ConnState]int
	// news gets a value at every change.
	news chan http.ConnState
}

func serveTLS(t *testing.T, http2 bool, handler http.HandlerFunc) *secure {
	t.Helper()
	s := &secure{changes: map[http.ConnState]int{}, news: make(chan http.ConnState, 100)}
	s.Server = httptest.NewUnstartedServer(handler)
	s.EnableHTTP2 = http2
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		s.mu.Lock()
		s.changes[state]++
		s.mu.Unlock()
		s.news <- state
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// await waits for a connection to come to state.
func (s *secure) await(state http.ConnState) {
	for got := range s.news {
		if got == state {
			return
		}
	}
}

func (s *secure) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changes[http.StateNew]
}

// client trusts the server.
func (s *secure) client() *http.Client {
	client := NewClient(Options{RequireJSON: true})
	client.Transport.(*roundTripper).next.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: s.Server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	return client
}

func (s *secure) url(t *testing.T) *url.URL {
	t.Helper()
	to, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return to
}

func posted(client *http.Client, to string) (string, error) {
	resp, err := client.Post(to, "text/plain", strings.NewReader("assertion"))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.Proto + " " + string(body), err
}

func echo(w http.ResponseWriter, r *http.Request) {
	said, _ := io.ReadAll(r.Body)
	_, _ = w.Write([]byte(`{"said":"` + string(said) + `"}`))
}

func TestTheConnectionIsThereBeforeTheRequest(t *testing.T) {
	for proto, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2.0": true} {
		t.Run(proto, func(t *testing.T) {
			s := serveTLS(t, http2, echo)
			early := Dial(t.Context(), s.client(), s.url(t))
			// The handshake is done and nothing was asked yet.
			<-early.done
			for range 2 {
				if got, err := posted(early.Client, s.URL+"/token"); err != nil || got != proto+` {"said":"assertion"}` {
					t.Errorf("%q %v", got, err)
				}
			}
			if n := s.connections(); n != 1 {
				t.Errorf("%d connections for two requests", n)
			}
			early.Close()
			s.await(http.StateClosed)
		})
	}
}

func TestAServerThatDoesNotWaitIsAskedAgain(t *testing.T) {
	s := serveTLS(t, false, echo)
	early := Dial(t.Context(), s.client(), s.url(t))
	defer early.Close()
	<-early.done
	closed := make(chan struct{})
	early.conn.SetStateHook(func(c *http.ClientConn) {
		if c.Err() != nil {
			close(closed)
		}
	})
	s.CloseClientConnections()
	// net/http notices by reading, beside us.
	<-closed
	if _, err := posted(early.Client, s.URL); err != nil {
		t.Error(err)
	}
	if n := s.connections(); n != 2 {
		t.Errorf("%d connections", n)
	}
}

// fromPort is what differs from one connection to the next.
func fromPort() *regexp.Regexp { return regexp.MustCompile(`127\.0\.0\.1:\d+->`) }

func TestWhatIsWrongWithTheConnectionIsToldAsEver(t *testing.T) {
	s := serveTLS(t, false, echo)
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	for name, to := range map[string]string{"a certificate that nobody trusts": s.URL, "nobody there": "https://" + gone.Addr().String()} {
		t.Run(name, func(t *testing.T) {
			target, err := url.Parse(to)
			if err != nil {
				t.Fatal(err)
			}
			_, ever := posted(NewClient(Options{}), to+"/token")
			early := Dial(t.Context(), NewClient(Options{}), target)
			defer early.Close()
			_, err = posted(early.Client, to+"/token")
			if err == nil || ever == nil || fromPort().ReplaceAllString(err.Error(), "") != fromPort().ReplaceAllString(ever.Error(), "") {
				t.Errorf("%v\nand without being early: %v", err, ever)
			}
			if p := Unreachable(err); p == nil || p.Code != problem.Unreachable {
				t.Errorf("%v", p)
			}
		})
	}
}

func TestWhoGivesUpDoesNotWaitForTheConnection(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	target := &url.URL{Scheme: "https", Host: silent.Addr().String()}
	early := Dial(t.Context(), NewClient(Options{}), target)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), strings.NewReader("assertion"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := early.Client.Do(r); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	early.Close()
}

func TestAClientOfSomebodyElseIsUsedAsItIs(t *testing.T) {
	theirs := &http.Client{}
	early := Dial(t.Context(), theirs, &url.URL{Scheme: "https", Host: "192.0.2.1"})
	defer early.Close()
	if early.Client != theirs || early.conn != nil {
		t.Error("something is dialled")
	}
}
