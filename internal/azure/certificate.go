package azure

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// keyPair is a certificate with its key and what is between it and its root.
type keyPair struct {
	certificates []*x509.Certificate
	key          crypto.PrivateKey
	fingerprint  string
}

// readCertificate reads a PEM or PFX (PKCS #12) file. PFX is read by go-pkcs12, because azidentity's own parser knows
// only the old encryption: a file from OpenSSL 3 or a current Windows fails there.
func readCertificate(path, password string) (keyPair, error) {
	const field = "AZURE_CLIENT_CERTIFICATE_PATH"
	data, err := os.ReadFile(path)
	if err != nil {
		return keyPair{}, problem.Input(field, "%w", err)
	}
	pair := keyPair{fingerprint: token.Fingerprint(string(data))}
	if bytes.Contains(data, []byte("-----BEGIN")) {
		if pair.certificates, pair.key, err = azidentity.ParseCertificates(data, nil); err != nil {
			return keyPair{}, problem.Input(field, "%s is not a PEM file with a certificate and an unencrypted private key: %w", path, err).
				WithHint("cat certificate.pem key.pem > both.pem")
		}
		return pair, nil
	}
	key, leaf, chain, err := pkcs12.DecodeChain(data, password)
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword):
		return keyPair{}, problem.Input("AZURE_CLIENT_CERTIFICATE_PASSWORD", "it does not open %s", path)
	case err != nil:
		return keyPair{}, problem.Input(field, "%s is neither PEM nor PFX: %w", path, err).WithHint("openssl pkcs12 -in %s -info -noout", path)
	}
	pair.key, pair.certificates = key, append([]*x509.Certificate{leaf}, chain...)
	return pair, nil
}
