package azure

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/idferry/idferry/internal/problem"
)

// keyPair is a private key with its certificate and what is between that and its root.
type keyPair struct {
	chain []*x509.Certificate
	key   crypto.PrivateKey
}

// readCertificate reads PEM or PKCS #12 (.pfx). azidentity.ParseCertificates is used for PEM alone: it cannot read PKCS #12
// as OpenSSL 3 and current Windows write it (PBES2 with a SHA-256 MAC, RFC 7292 and 8018).
func readCertificate(path string, data []byte, password string) (keyPair, error) {
	const field = "AZURE_CLIENT_CERTIFICATE_PATH"
	if bytes.Contains(data, []byte("-----BEGIN ")) {
		if encryptedPEM(data) {
			return keyPair{}, problem.Input(field, "the private key in %s is encrypted, which PEM files may not be here", path).
				WithHint("make a PFX of it, which may: openssl pkcs12 -export -in %s -out certificate.pfx; and set AZURE_CLIENT_CERTIFICATE_PASSWORD", path)
		}
		chain, key, err := azidentity.ParseCertificates(data, nil)
		if err != nil {
			return keyPair{}, problem.Input(field, "%s cannot be read as PEM: %w", path, err).
				WithHint("it has to hold the certificate and its private key: grep -e ---BEGIN %s", path)
		}
		return keyPair{chain, key}, nil
	}
	if n := rounds(data); n > maxRounds {
		return keyPair{}, problem.Input(field, "%s wants its password hashed more than %d times", path, maxRounds).
			WithHint("make it anew: openssl pkcs12 -in %[1]s -out all.pem; openssl pkcs12 -export -in all.pem -out %[1]s", path)
	}
	key, certificate, more, err := pkcs12.DecodeChain(data, password)
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword) && password == "":
		return keyPair{}, problem.Input("AZURE_CLIENT_CERTIFICATE_PASSWORD", "it is not set, and %s needs a password", path).
			WithHint("export AZURE_CLIENT_CERTIFICATE_PASSWORD; try it: openssl pkcs12 -in %s -nokeys", path)
	case errors.Is(err, pkcs12.ErrIncorrectPassword):
		return keyPair{}, problem.Input("AZURE_CLIENT_CERTIFICATE_PASSWORD", "it does not open %s", path).
			WithHint("try it: openssl pkcs12 -in %s -nokeys", path)
	case err != nil:
		return keyPair{}, problem.Input(field, "%s cannot be read, neither as PEM nor as PFX: %s", path, strings.TrimPrefix(err.Error(), "pkcs12: ")).
			WithHint("see what it is: openssl pkcs12 -in %s -info -noout", path)
	}
	return keyPair{append([]*x509.Certificate{certificate}, more...), key}, nil
}

func encryptedPEM(data []byte) bool {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") {
			return true
		}
	}
	return false
}
