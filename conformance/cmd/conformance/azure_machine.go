package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
)

// machine is a Google Cloud machine on which azure-token-helper stands in for az and azd.
type machine struct {
	dir    string
	clouds *fakecloud.Sandbox
	// broken is the same with an Entra ID that never answers.
	broken *fakecloud.Sandbox
	// certPEM is the certificate of what we start besides the fake clouds: Azurite and the API server.
	certPEM           []byte
	certFile, keyFile string
	// programs has azure-token-helper, and shims az and azd. bundle is a file with the authorities of all servers.
	programs, shims, bundle string
}

func startMachine(ctx context.Context, shop *workshop) (_ *machine, err error) {
	m := &machine{programs: shop.programs, shims: filepath.Join(shop.dir, "shims")}
	if m.dir, err = os.MkdirTemp(shop.dir, "machine-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			m.close()
		}
	}()
	if m.clouds, err = fakecloud.StartSandbox(time.Now); err != nil {
		return nil, err
	}
	if m.broken, err = fakecloud.StartSandbox(time.Now); err != nil {
		return nil, err
	}
	m.broken.Entra.Answer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	if err = m.certify(); err != nil {
		return nil, err
	}
	m.bundle = filepath.Join(m.dir, "ca.pem")
	if err = os.WriteFile(m.bundle, bytes.Join([][]byte{m.clouds.CA.PEM, m.broken.CA.PEM, m.certPEM}, nil), 0o600); err != nil {
		return nil, err
	}
	helper := filepath.Join(shop.programs, "azure-token-helper")
	return m, shop.sh(ctx, m.dir, helper, "shim", "install", "--dir", m.shims)
}

// certify makes a certificate for loopback and for Azurite that is its own authority: the sandbox's authority signs for nobody else.
func (m *machine) certify() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "idferry conformance"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost", azuriteHost},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	m.certPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	m.certFile, m.keyFile = filepath.Join(m.dir, "server.crt"), filepath.Join(m.dir, "server.key")
	return errors.Join(os.WriteFile(m.certFile, m.certPEM, 0o600),
		os.WriteFile(m.keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), 0o600))
}

// serve starts a server and returns the URL that it prints after said. The server ends with stop.
func (m *machine) serve(ctx context.Context, said string, argv []string) (url string, stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	server := exec.CommandContext(ctx, argv[0], argv[1:]...)
	server.Dir, server.Env = m.dir, []string{"HOME=" + m.dir}
	server.WaitDelay = time.Second
	// Its standard input is a pipe that ends with us, however we end.
	_, err = server.StdinPipe()
	var output io.ReadCloser
	if err == nil {
		output, err = server.StdoutPipe()
	}
	if err == nil {
		server.Stderr = server.Stdout
		err = server.Start()
	}
	if err != nil {
		cancel()
		return "", nil, err
	}
	stop = func() { cancel(); _ = server.Wait() }
	late := time.AfterFunc(patience, cancel)
	defer late.Stop()
	var all strings.Builder
	for lines := bufio.NewScanner(output); lines.Scan(); all.WriteString(lines.Text() + "\n") {
		if _, rest, ok := strings.Cut(lines.Text(), said); ok {
			go func() { _, _ = io.Copy(io.Discard, output) }()
			return "https://" + strings.TrimPrefix(strings.TrimSpace(rest), "https://"), stop, nil
		}
	}
	stop()
	return "", nil, fmt.Errorf("%s did not start:\n%s", filepath.Base(argv[0]), all.String())
}

func (m *machine) close() {
	for _, clouds := range []*fakecloud.Sandbox{m.clouds, m.broken} {
		if clouds != nil {
			clouds.Close()
		}
	}
	_ = os.RemoveAll(m.dir)
}

// environment is what a process of client sees, with the changes of one row; an empty value removes a name. Nothing
// else of our own environment reaches it: neither a real identity nor a proxy.
func (m *machine) environment(client string, clouds *fakecloud.Sandbox, changes map[string]string) []string {
	env := map[string]string{
		"PATH": strings.Join([]string{m.shims, m.programs, os.Getenv("PATH")}, string(os.PathListSeparator)),
		"HOME": m.dir, "TMPDIR": m.dir, "LANG": "C.UTF-8", "JAVA_HOME": os.Getenv("JAVA_HOME"),
		// A time zone with an offset shows who takes local time for UTC.
		"TZ":            "America/New_York",
		"SSL_CERT_FILE": m.bundle, "SSL_CERT_DIR": filepath.Join(m.dir, "none"), "REQUESTS_CA_BUNDLE": m.bundle, "NODE_EXTRA_CA_CERTS": m.bundle,
		"IDFERRY_CACHE": "file", "IDFERRY_CACHE_DIR": filepath.Join(m.dir, "cache-"+client), "IDFERRY_LOG": filepath.Join(m.dir, "log"),
		"GCE_METADATA_HOST":    clouds.Google.MetadataHost(),
		"AZURE_AUTHORITY_HOST": clouds.Entra.URL + "/",
		"AZURE_TENANT_ID":      fakecloud.SandboxTenant, "AZURE_CLIENT_ID": fakecloud.SandboxApp,
	}
	for name, value := range changes {
		env[name] = value
	}
	var list []string
	for name, value := range env {
		if value != "" {
			list = append(list, fmt.Sprintf("%s=%s", name, value))
		}
	}
	return list
}
