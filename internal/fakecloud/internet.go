package fakecloud

import (
	"bytes"
	"crypto/tls"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// SandboxStorage is the sandbox's storage account under its public name.
const SandboxStorage = "mystorageaccount.blob.core.windows.net"

// Internet is a proxy by which programs reach the sandbox's clouds under their public names, so that nothing of what they
// are told has to be another address. There is no way to any other name.
type Internet struct {
	// URL is the value of HTTPS_PROXY. The certificates of what is behind it are the sandbox's authority's.
	URL string

	front, proxy *httptest.Server
	mu           sync.Mutex
	refused      []string
	connected    int
	away         time.Duration
}

// StartInternet starts the proxy for the clouds of s, and for more: the URLs of other servers, by their public names.
func StartInternet(s *Sandbox, more map[string]string) (*Internet, error) {
	behind := map[string]string{
		PublicAuthority: s.Entra.URL, SandboxStorage: s.Blob.URL, SandboxVault: s.KeyVault.URL, "management.azure.com": s.ResourceManager.URL,
		"sts.googleapis.com": s.Google.STS.URL, "iamcredentials.googleapis.com": s.Google.IAM.URL, "oauth2.googleapis.com": s.Google.Token.URL,
		"bigquery.googleapis.com": s.Google.BigQuery.URL, "storage.googleapis.com": s.Google.Storage.URL,
	}
	maps.Copy(behind, more)
	certificate, err := s.CA.leaf(slices.Collect(maps.Keys(behind))...)
	if err != nil {
		return nil, err
	}
	i := &Internet{}
	i.front = httptest.NewUnstartedServer(&httputil.ReverseProxy{
		Transport: s.CA.Client().Transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			if target, err := url.Parse(behind[r.In.Host]); err == nil {
				r.SetURL(target)
				// An assertion is made for the name that its client knows.
				r.Out.Host = r.In.Host
			}
		},
		ModifyResponse: s.rename,
		ErrorLog:       log.New(io.Discard, "", 0),
	})
	i.front.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	i.front.Config.ErrorLog = log.New(io.Discard, "", 0)
	i.front.StartTLS()
	i.proxy = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, port, _ := strings.Cut(r.Host, ":")
		if r.Method != http.MethodConnect || behind[host] == "" || port != "443" {
			i.mu.Lock()
			i.refused = append(i.refused, r.Method+" "+r.Host)
			i.mu.Unlock()
			http.Error(w, "no such host", http.StatusBadGateway)
			return
		}
		i.mu.Lock()
		i.connected++
		away := i.away
		i.mu.Unlock()
		tunnel(w, i.front.Listener.Addr().String(), away)
	}))
	i.URL = i.proxy.URL
	return i, nil
}

// Away puts every host so long a round trip away. To be connected takes one of it.
func (i *Internet) Away(roundTrip time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.away = roundTrip
}

// Connected is how many connections to known hosts were asked for.
func (i *Internet) Connected() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.connected
}

// rename has Entra ID tell its endpoints under its public name.
func (s *Sandbox) rename(r *http.Response) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	_ = r.Body.Close()
	body = bytes.ReplaceAll(body, []byte(s.Entra.URL), []byte("https://"+PublicAuthority))
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.Header.Del("Content-Length")
	return nil
}

// Refused lists what somebody asked for that there is no way to.
func (i *Internet) Refused() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.refused)
}

// Close ends it.
func (i *Internet) Close() {
	i.proxy.Close()
	i.front.Close()
}

// tunnel joins the caller's connection with one to address.
func tunnel(w http.ResponseWriter, address string, away time.Duration) {
	made := time.Now().Add(away)
	far, err := net.Dial("tcp", address)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer far.Close()
	near, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer near.Close()
	time.Sleep(time.Until(made))
	if _, err := io.WriteString(near, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	carry(buffered, near, far, made, away)
}
