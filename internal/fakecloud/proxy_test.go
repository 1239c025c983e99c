package fakecloud

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestAProxyLetsNothingThrough(t *testing.T) {
	s, _ := sandbox(t)
	for status, challenge := range map[int]string{http.StatusProxyAuthRequired: `Basic realm="proxy"`, http.StatusForbidden: ""} {
		proxy, err := StartProxy(status)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(proxy.Close)
		address, err := url.Parse(proxy.URL)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := proxiedBy(address, "http://example.invalid/")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != status || resp.Header.Get("Proxy-Authenticate") != challenge {
			t.Errorf("%s, Proxy-Authenticate %q", resp.Status, resp.Header.Get("Proxy-Authenticate"))
		}
		// Through TLS the client is told by the answer to CONNECT.
		if resp, err := proxiedBy(address, s.Entra.URL+"/"); err == nil || !strings.Contains(err.Error(), http.StatusText(status)) {
			t.Errorf("%v %v", resp, err)
		}
		if n := len(s.Entra.Requests()); n != 0 {
			t.Errorf("%d requests came through", n)
		}
	}
}

func proxiedBy(proxy *url.URL, address string) (*http.Response, error) {
	transport := &http.Transport{Proxy: http.ProxyURL(proxy)}
	defer transport.CloseIdleConnections()
	return (&http.Client{Transport: transport}).Get(address)
}
