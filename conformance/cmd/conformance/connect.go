package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// connectProxy is an HTTP proxy for clients that know the real names alone. It leads them to our servers, whose
// certificates have those names, and nowhere else.
type connectProxy struct {
	// URL is the value of HTTPS_PROXY.
	URL string
	// to has the address of each name and port.
	to     map[string]string
	server *http.Server

	mu      sync.Mutex
	refused []string
}

func startConnectProxy(to map[string]string) (*connectProxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &connectProxy{URL: "http://" + listener.Addr().String(), to: to}
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: 5 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = p.server.Serve(listener) }()
	return p, nil
}

func (p *connectProxy) close() { _ = p.server.Close() }

// nowhereElse wants no client to have asked for a name that is none of ours.
func (p *connectProxy) nowhereElse(*machine, answer) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.refused) > 0 {
		return fmt.Errorf("the proxy was asked for %q too", p.refused)
	}
	return nil
}

func (p *connectProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	address, ok := p.to[r.Host]
	if !ok || r.Method != http.MethodConnect {
		p.mu.Lock()
		p.refused = append(p.refused, r.Method+" "+r.Host)
		p.mu.Unlock()
		http.Error(w, "there is no way to "+r.Host, http.StatusForbidden)
		return
	}
	server, err := net.Dial("tcp", address)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = server.Close()
		return
	}
	_, _ = io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n")
	// Whichever side ends first ends the other.
	go func() { _, _ = io.Copy(server, buffered); _ = server.Close() }()
	go func() { _, _ = io.Copy(client, server); _ = client.Close() }()
}
