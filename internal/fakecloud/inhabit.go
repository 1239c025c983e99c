package fakecloud

import (
	"crypto/x509"
	"errors"
	"os"
	"time"
)

// Inhabit starts both clouds and makes this process one that runs there, on a virtual machine of each: everything that it
// asks for by its public name it asks of the sandbox. Nothing of what the machine it really runs on is told about clouds
// reaches it. end ends the sandbox; a process can be taken there once.
//
// The program's main package, or its test, has to say
//
//	//go:debug x509usefallbackroots=1
//
// so that the sandbox's authority is the only one on every operating system.
func Inhabit() (s *Sandbox, end func(), err error) {
	if s, err = StartSandbox(time.Now); err != nil {
		return nil, nil, err
	}
	internet, err := StartInternet(s, nil)
	if err != nil {
		s.Close()
		return nil, nil, err
	}
	nowhere, err := os.MkdirTemp("", "idferry-sandbox-")
	if err == nil {
		err = settle(map[string]string{
			"HTTPS_PROXY": internet.URL, "GCE_METADATA_HOST": s.Google.MetadataHost(), "AZURE_POD_IDENTITY_AUTHORITY_HOST": s.IMDS.URL, "CLOUDSDK_CONFIG": nowhere,
		})
	}
	if err != nil {
		internet.Close()
		s.Close()
		return nil, nil, errors.Join(err, os.RemoveAll(nowhere))
	}
	roots := x509.NewCertPool()
	roots.AddCert(s.CA.cert)
	x509.SetFallbackRoots(roots)
	return s, func() {
		internet.Close()
		s.Close()
		_ = os.RemoveAll(nowhere)
	}, nil
}

func settle(variables map[string]string) error {
	var errs []error
	for name, value := range variables {
		errs = append(errs, os.Setenv(name, value))
	}
	for _, name := range []string{
		"https_proxy", "NO_PROXY", "no_proxy", "AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_AUTHORITY_HOST", "AZURE_FEDERATED_TOKEN_FILE",
		"AZURE_TOKEN_CREDENTIALS", "IDENTITY_ENDPOINT", "MSI_ENDPOINT", "KEY_VAULT_URL", "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT",
		"IDFERRY_GOOGLE_SOURCE", "IDFERRY_CREDENTIAL", "IDFERRY_RESOURCE", "IDFERRY_IMPERSONATE_SERVICE_ACCOUNT", "IDFERRY_GOOGLE_CREDENTIALS", "IDFERRY_ASSERTION_AUDIENCE",
	} {
		errs = append(errs, os.Unsetenv(name))
	}
	return errors.Join(errs...)
}
