package upstream

import (
	"context"
	"crypto/x509"
	"net"
	"net/http"
	"net/url"
	"sync"
)

// Early is a client whose first connection is being made while the caller still waits for what it will send.
type Early struct {
	// Client sends its requests to the host on that connection for as long as it can, and every other one as the client it
	// was made of.
	Client *http.Client

	host   string
	next   http.RoundTripper
	cancel context.CancelFunc
	first  sync.Once
	done   chan struct{}
	// conn and err are set once done is closed.
	conn *http.ClientConn
	err  error
}

// Dial starts to connect to the host of an https URL, through a proxy where the environment names one, and to read the
// system's authorities, whose parsing takes longer than a handshake nearby. A client that is not of this package is used
// as it is. The caller closes what is returned.
func Dial(ctx context.Context, client *http.Client, to *url.URL) *Early {
	ctx, cancel := context.WithCancel(ctx)
	e := &Early{Client: client, host: to.Host, cancel: cancel, done: make(chan struct{})}
	ours, ok := client.Transport.(*roundTripper)
	transport, dials := (*http.Transport)(nil), false
	if ok {
		transport, dials = ours.next.(*http.Transport)
	}
	if !dials || to.Scheme != "https" {
		close(e.done)
		return e
	}
	e.next = transport
	early := *client
	early.Transport = &roundTripper{next: e, o: ours.o}
	e.Client = &early
	// crypto/tls reads them when the server's certificate is there, and waits for whoever has begun.
	go func() { _, _ = x509.SystemCertPool() }()
	go func() {
		defer close(e.done)
		port := to.Port()
		if port == "" {
			port = "443"
		}
		e.conn, e.err = transport.NewClientConn(ctx, to.Scheme, net.JoinHostPort(to.Hostname(), port))
	}()
	return e
}

// RoundTrip implements http.RoundTripper.
func (e *Early) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != e.host {
		return e.next.RoundTrip(r)
	}
	select {
	case <-e.done:
	case <-r.Context().Done():
		return nil, refuse(r, context.Cause(r.Context()))
	}
	first := false
	e.first.Do(func() { first = true })
	switch {
	case first && e.err != nil:
		return nil, refuse(r, e.err)
	case e.err != nil || e.conn.Err() != nil || e.conn.Available() == 0:
		// The other side need not have waited for as long as it took to have something to send.
		return e.next.RoundTrip(r)
	}
	return e.conn.RoundTrip(r)
}

// refuse closes the request's body, as every RoundTripper has to.
func refuse(r *http.Request, err error) error {
	if r.Body != nil {
		_ = r.Body.Close()
	}
	return err
}

// CloseIdleConnections lets http.Client close what the transport keeps.
func (e *Early) CloseIdleConnections() {
	if c, ok := e.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// Close closes the connection, or gives it up.
func (e *Early) Close() {
	e.cancel()
	<-e.done
	if e.conn != nil {
		_ = e.conn.Close()
	}
}
