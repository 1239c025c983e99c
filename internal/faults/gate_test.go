package faults

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
)

// gate stands before one endpoint of the clouds at an address of its own. It has a fault until that is lifted, and then passes
// everything on. It keeps count of the requests, and the secrets that go through it.
type gate struct {
	at       string // host:port
	url      string
	certs    *certificates // nil without TLS
	endpoint http.Handler  // the endpoint behind it
	ending   string        // of the paths that the fault is for
	marked   bool          // it is Google's metadata server's, whose answers have a mark, broken ones too

	// What the fault sets, before anybody asks.
	closed  bool                                 // nobody listens
	deaf    bool                                 // connections are taken, and never read
	present func(*certificates) *tls.Certificate // another certificate than the good one
	answer  func(http.Handler) http.HandlerFunc  // in place of the endpoint

	lifted atomic.Bool
	asked  atomic.Int64
	overheard
	server   *http.Server
	reserved []net.Conn // what keeps the address of a closed gate
	ended    context.Context
}

// certificates are what one authority issues to gates.
type certificates struct{ good, expired, foreign tls.Certificate }

func newCertificates(t *testing.T, ca *fakecloud.CA) *certificates {
	t.Helper()
	var c certificates
	for to, issue := range map[*tls.Certificate]func() (tls.Certificate, error){
		&c.good: ca.Certificate, &c.expired: ca.ExpiredCertificate, &c.foreign: ca.ForeignCertificate,
	} {
		var err error
		if *to, err = issue(); err != nil {
			t.Fatal(err)
		}
	}
	return &c
}

// newGate makes a gate before the server at target, with a fault; certs is nil where the server has no TLS.
func newGate(t *testing.T, target string, certs *certificates, h hop, f fault) *gate {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{certs: certs, ending: h.ending, marked: h.marked, ended: t.Context()}
	g.endpoint = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			// The host stays the one that was asked for: Entra ID tells its endpoints under it.
			r.SetURL(to)
			r.Out.Host = r.In.Host
		},
		// Whether the endpoint's own certificate is good is not what is tested.
		Transport:      &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: fakecloud.TokenProxyName}},
		ModifyResponse: g.hearAnswer, ErrorLog: log.New(io.Discard, "", 0),
	}
	g.server = &http.Server{Handler: g, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute}
	if f.set != nil {
		f.set(g)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g.at = l.Addr().String()
	g.url = to.Scheme + "://" + g.at
	t.Cleanup(func() { _ = g.server.Close(); g.release() })
	if g.closed {
		g.reserve(t, l)
		return g
	}
	g.open(l)
	return g
}

// reserve has nobody listen at the address of l. A connection that was taken there keeps others from being given it.
func (g *gate) reserve(t *testing.T, l net.Listener) {
	t.Helper()
	far, err := net.Dial("tcp", g.at)
	if err != nil {
		t.Fatal(err)
	}
	near, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	g.reserved = []net.Conn{far, near}
	_ = l.Close()
}

func (g *gate) release() {
	for _, c := range g.reserved {
		cut(c)
	}
	g.reserved = nil
}

func (g *gate) open(l net.Listener) {
	l = &listener{l, g}
	if g.certs != nil {
		l = tls.NewListener(l, &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if g.present != nil && !g.lifted.Load() {
				g.asked.Add(1)
				return g.present(g.certs), nil
			}
			return &g.certs.good, nil
		}})
	}
	go func() { _ = g.server.Serve(l) }()
}

// lift ends the fault.
func (g *gate) lift(t *testing.T) {
	t.Helper()
	g.lifted.Store(true)
	if !g.closed {
		return
	}
	g.release()
	l, err := net.Listen("tcp", g.at)
	if err != nil {
		t.Fatal(err)
	}
	g.open(l)
}

// listener keeps the connections of a deaf gate to itself.
type listener struct {
	net.Listener
	gate *gate
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil || !l.gate.deaf || l.gate.lifted.Load() {
			return c, err
		}
		l.gate.asked.Add(1)
		context.AfterFunc(l.gate.ended, func() { _ = c.Close() })
	}
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.hearRequest(r)
	if g.answer == nil || g.lifted.Load() || !strings.HasSuffix(r.URL.Path, g.ending) {
		if strings.HasSuffix(r.URL.Path, g.ending) {
			g.asked.Add(1)
		}
		g.endpoint.ServeHTTP(w, r)
		return
	}
	g.asked.Add(1)
	if g.marked {
		w.Header().Set("Metadata-Flavor", "Google")
	}
	g.answer(g.endpoint)(w, r)
}

// cut ends a connection with a reset.
func cut(c net.Conn) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.Close()
}

// elsewhere is another host, which nobody has a reason to ask.
type elsewhere struct {
	url  string
	mu   sync.Mutex
	seen []string
}

func newElsewhere(t *testing.T) *elsewhere {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := &elsewhere{url: strings.Replace("://"+l.Addr().String(), "127.0.0.1", "localhost", 1)}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			e.mu.Lock()
			e.seen = append(e.seen, c.RemoteAddr().String())
			e.mu.Unlock()
			_ = c.Close()
		}
	}()
	return e
}

// visits are whoever connected.
func (e *elsewhere) visits() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), e.seen...)
}
