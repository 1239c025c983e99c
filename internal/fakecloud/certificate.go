package fakecloud

import (
	"crypto/tls"
	"crypto/x509"
	"time"
)

// Certificate is one that vouches for 127.0.0.1 and localhost, for a server of a test's own.
func (c *CA) Certificate() (tls.Certificate, error) { return c.leaf() }

// ExpiredCertificate is the same an hour after its end.
func (c *CA) ExpiredCertificate() (tls.Certificate, error) {
	return c.issue(func(t *x509.Certificate) {
		t.NotBefore, t.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(-time.Hour)
	})
}

// ForeignCertificate vouches for another host alone.
func (c *CA) ForeignCertificate() (tls.Certificate, error) {
	return c.issue(func(t *x509.Certificate) { t.IPAddresses, t.DNSNames = nil, []string{"elsewhere.example"} })
}
