package conformance

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
)

// blobAccount is the storage account of the examples.
const blobAccount = "mystorageaccount.blob.core.windows.net"

// internet is a proxy on loopback by which programs reach the clouds under their public names, so that nothing of what
// the examples say has to be another address here. Other names are refused, and fail the test.
type internet struct {
	// URL is the value of HTTPS_PROXY.
	URL string
	// PEM is the certificate of the authority that vouches for the public names.
	PEM []byte
}

func startInternet(t *testing.T, clouds *fakecloud.Sandbox) internet {
	t.Helper()
	behind := map[string]string{
		"login.microsoftonline.com": clouds.Entra.URL, blobAccount: clouds.Blob.URL,
		"sts.googleapis.com": clouds.Google.STS.URL, "iamcredentials.googleapis.com": clouds.Google.IAM.URL, "oauth2.googleapis.com": clouds.Google.Token.URL, "management.azure.com": clouds.ResourceManager.URL,
		"bigquery.googleapis.com": clouds.Google.BigQuery.URL, "storage.googleapis.com": clouds.Google.Storage.URL,
	}
	certificate, authority := publicCertificate(t, behind)
	front := httptest.NewUnstartedServer(&httputil.ReverseProxy{
		Transport: clouds.CA.Client().Transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			if target, err := url.Parse(behind[r.In.Host]); err == nil {
				r.SetURL(target)
			}
		},
		// Entra ID tells where its endpoints are.
		ModifyResponse: func(r *http.Response) error {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			_ = r.Body.Close()
			body = bytes.ReplaceAll(body, []byte(clouds.Entra.URL), []byte("https://login.microsoftonline.com"))
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			r.Header.Del("Content-Length")
			return nil
		},
	})
	front.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	front.StartTLS()
	t.Cleanup(front.Close)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, port, _ := strings.Cut(r.Host, ":")
		if r.Method != http.MethodConnect || behind[host] == "" || port != "443" {
			t.Errorf("somebody asks for %s %s", r.Method, r.Host)
			http.Error(w, "no such host", http.StatusBadGateway)
			return
		}
		tunnel(w, front.Listener.Addr().String())
	}))
	t.Cleanup(proxy.Close)
	return internet{URL: proxy.URL, PEM: authority}
}

// tunnel joins the caller's connection with one to address.
func tunnel(w http.ResponseWriter, address string) {
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
	if _, err := io.WriteString(near, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	done := make(chan struct{})
	go func() {
		_, _ = io.Copy(far, buffered)
		_ = far.(*net.TCPConn).CloseWrite()
		close(done)
	}()
	_, _ = io.Copy(near, far)
	_ = near.Close()
	<-done
}

// publicCertificate is a server's for all the names, and the authority's that made it.
func publicCertificate(t *testing.T, names map[string]string) (tls.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of the public names"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	authority, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "public names"}, NotBefore: template.NotBefore, NotAfter: template.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for name := range names {
		leaf.DNSNames = append(leaf.DNSNames, name)
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority})
}
