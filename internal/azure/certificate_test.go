package azure

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/idferry/idferry/internal/problem"
)

func newPair(t *testing.T) (*rsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "app"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return key, cert
}

// PFX files come from Windows old and new, OpenSSL 1 and 3, and Key Vault (without a password).
func TestCertificatesOfEveryMaker(t *testing.T) {
	key, cert := newPair(t)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
	files := map[string]struct {
		data     []byte
		password string
	}{"PEM": {append(append([]byte{}, certPEM...), keyPEM...), ""}, "PEM, key first": {append(append([]byte{}, keyPEM...), certPEM...), ""}}
	for name, c := range map[string]struct {
		encoder  *pkcs12.Encoder
		password string
	}{"OpenSSL 3, Windows 2019": {pkcs12.Modern2023, "secret"}, "triple DES": {pkcs12.LegacyDES, "secret"}, "RC2": {pkcs12.LegacyRC2, "secret"}, "Key Vault": {pkcs12.Passwordless, ""}} {
		data, err := c.encoder.Encode(key, cert, nil, c.password)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = struct {
			data     []byte
			password string
		}{data, c.password}
	}
	if openssl, err := exec.LookPath("openssl"); err == nil {
		dir := t.TempDir()
		in, out := filepath.Join(dir, "in.pem"), filepath.Join(dir, "out.pfx")
		if err := os.WriteFile(in, files["PEM"].data, 0o600); err != nil {
			t.Fatal(err)
		}
		if msg, err := exec.Command(openssl, "pkcs12", "-export", "-in", in, "-out", out, "-passout", "pass:secret").CombinedOutput(); err != nil {
			t.Fatalf("%v %s", err, msg)
		}
		data, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		files["openssl of this machine"] = struct {
			data     []byte
			password string
		}{data, "secret"}
	}
	for name, f := range files {
		pair, err := readCertificate("app.pfx", f.data, f.password)
		if err != nil || len(pair.chain) != 1 || !pair.chain[0].Equal(cert) || !key.Equal(pair.key) {
			t.Errorf("%s: %v", name, err)
		}
	}
	patient, err := pkcs12.Modern2023.WithIterations(100_000).Encode(key, cert, nil, "secret")
	if err != nil {
		t.Fatal(err)
	}
	// An integer of three bytes for another one.
	endless := bytes.ReplaceAll(patient, []byte{2, 3, 0x01, 0x86, 0xa0}, []byte{2, 3, 0x7f, 0xff, 0xff})
	if rounds(patient) != 100_000 || rounds(endless) != 0x7fffff {
		t.Errorf("%d and %d rounds", rounds(patient), rounds(endless))
	}
	for name, c := range map[string]struct {
		data           []byte
		password, want string
	}{
		"endless":          {endless, "secret", "app.pfx wants its password hashed more than"},
		"wrong password":   {files["triple DES"].data, "other", "AZURE_CLIENT_CERTIFICATE_PASSWORD: it does not open"},
		"no password":      {files["triple DES"].data, "", "AZURE_CLIENT_CERTIFICATE_PASSWORD: it is not set"},
		"no key":           {certPEM, "", "AZURE_CLIENT_CERTIFICATE_PATH: app.pfx cannot be read as PEM"},
		"neither":          {[]byte("hello"), "", "AZURE_CLIENT_CERTIFICATE_PATH: app.pfx cannot be read, neither as PEM nor as PFX"},
		"an encrypted key": {append([]byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"), certPEM...), "", "is encrypted"},
	} {
		_, err := readCertificate("app.pfx", c.data, c.password)
		if e := problem.From(err); e == nil || !e.Misuse || !strings.Contains(e.Message, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
