// Package fakecloud runs strict stand-ins of Microsoft's and Google's token services on loopback, for tests and the
// quickstart only. They check what the real ones check (signatures by published keys, issuer, subject, audience,
// validity, client credentials) and refuse with the real codes and texts; what they issue is signed and published
// the same way. They are checked in turn by real clients and published samples, never only by our own code.
//
// Every server listens on 127.0.0.1 and ends with Close.
package fakecloud

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// CA is a private certificate authority whose certificates name 127.0.0.1 and localhost.
type CA struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	// PEM is the authority's certificate, for SSL_CERT_FILE, REQUESTS_CA_BUNDLE and the like.
	PEM []byte
}

// NewCA makes an authority valid for a day around now.
func NewCA() (*CA, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "idferry fake cloud CA"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &CA{cert: cert, key: key, PEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}, nil
}

// Client returns an HTTP client that trusts this authority alone and uses no proxy.
func (c *CA) Client() *http.Client {
	pool := x509.NewCertPool()
	pool.AddCert(c.cert)
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
	}}
}

func (c *CA) leaf(names ...string) (tls.Certificate, error) {
	return c.issue(func(t *x509.Certificate) { t.DNSNames = append(t.DNSNames, names...) })
}

// issue makes a certificate for this machine's own names, after change had its way with it.
func (c *CA) issue(change func(*x509.Certificate)) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "127.0.0.1"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}, DNSNames: []string{"localhost"},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	change(template)
	der, err := x509.CreateCertificate(rand.Reader, template, c.cert, &key.PublicKey, c.key)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// Request is what a server keeps of a call: enough to count and to check, no body.
type Request struct {
	Method, Path string
	Header       http.Header
	At           time.Time
}

// Server is one loopback endpoint. The embedding fake sets its handler.
type Server struct {
	// URL is scheme and host, without a slash at its end.
	URL    string
	server *httptest.Server

	mu       sync.Mutex
	requests []Request
	override http.Handler
	slow     map[string]time.Duration
}

// listen starts handler on a free loopback port; with TLS when ca is not nil, plain HTTP otherwise (the metadata
// services of both clouds are plain HTTP). Its certificate has other names of the server too.
func listen(ca *CA, handler http.Handler, names ...string) (*Server, error) {
	if ca == nil {
		return listenWith(nil, handler)
	}
	cert, err := ca.leaf(names...)
	if err != nil {
		return nil, err
	}
	return listenWith(&cert, handler)
}

// listenWith is listen with a certificate of the server's own.
func listenWith(cert *tls.Certificate, handler http.Handler) (*Server, error) {
	s := &Server{}
	s.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.requests = append(s.requests, Request{r.Method, r.URL.Path, r.Header.Clone(), time.Now()})
		override, wait := s.override, s.delay(r.URL.Path)
		s.mu.Unlock()
		if wait > 0 {
			select {
			case <-time.After(wait):
			case <-r.Context().Done():
				return
			}
		}
		if override != nil {
			override.ServeHTTP(w, r)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	s.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	if cert == nil {
		s.server.Start()
	} else {
		s.server.TLS = &tls.Config{Certificates: []tls.Certificate{*cert}, MinVersion: tls.VersionTLS12}
		s.server.EnableHTTP2 = true
		s.server.StartTLS()
	}
	s.URL = s.server.URL
	return s, nil
}

// Requests returns what has been asked so far.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Answer makes the server answer every request with handler (an outage, a sign-in page, garbage), or normally again
// when handler is nil.
func (s *Server) Answer(handler http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.override = handler
}

// Slow makes requests for paths with this ending wait so long for their answer.
func (s *Server) Slow(ending string, by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.slow == nil {
		s.slow = map[string]time.Duration{}
	}
	s.slow[ending] = by
}

func (s *Server) delay(path string) time.Duration {
	for ending, by := range s.slow {
		if strings.HasSuffix(path, ending) {
			return by
		}
	}
	return 0
}

// Close stops the server and its connections.
func (s *Server) Close() {
	s.server.CloseClientConnections()
	s.server.Close()
}
