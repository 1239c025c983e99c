package azure

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/idferry/idferry/internal/fuzzing"
	"github.com/idferry/idferry/internal/problem"
)

// Whatever is in the file of a certificate, it is one with its key, or it is refused; neither the password nor the key is in
// what is said.
func FuzzCertificate(f *testing.F) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		f.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "app\x1b[2J"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		f.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		f.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		f.Fatal(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
	pkcs1 := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	for _, data := range [][]byte{nil, certPEM, keyPEM, bytes.Join([][]byte{certPEM, keyPEM}, nil), bytes.Join([][]byte{pkcs1, certPEM, certPEM}, []byte("\n# note\n")), []byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----"), []byte("-----BEGIN \x1b[2J-----"), bytes.Replace(keyPEM, []byte("\n"), []byte("\nProc-Type: 4,ENCRYPTED\n\n"), 1), der, pkcs8, []byte("MIIE")} {
		f.Add(data, "")
	}
	for _, encoder := range []*pkcs12.Encoder{pkcs12.Modern2023, pkcs12.Modern2026, pkcs12.LegacyDES, pkcs12.LegacyRC2, pkcs12.Passwordless} {
		password := fuzzing.Canary
		if encoder == pkcs12.Passwordless {
			password = ""
		} else {
			encoder = encoder.WithIterations(1)
		}
		pfx, err := encoder.Encode(key, certificate, []*x509.Certificate{certificate}, password)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(pfx, password)
		f.Add(pfx, "")
		f.Add(pfx[:len(pfx)/2], "\xff\U0001f600")
	}
	judge := fuzzing.NewJudge()
	f.Fuzz(func(t *testing.T, data []byte, password string) {
		if rounds(data) > 100_000 {
			t.Skip("it would take its time")
		}
		start := fuzzing.Spent()
		pair, err := readCertificate("FILE", data, password)
		if took := fuzzing.Spent() - start; took > 10*time.Second {
			t.Errorf("%s", took)
		}
		if err != nil {
			judge.Refused(t, err)
			if body := strings.ReplaceAll(string(keyPEM), "\n", ""); strings.Contains(err.Error(), body[40:80]) || len(password) > 10 && strings.Contains(err.Error(), password) {
				t.Errorf("a secret is told: %q", err)
			}
			return
		}
		if len(pair.chain) == 0 || pair.key == nil {
			t.Errorf("%d certificates and a key %T", len(pair.chain), pair.key)
		}
	})
}

// machineAnswers are those of endpoints for managed identities, real ones and others.
func machineAnswers(f *testing.F) {
	for _, body := range []string{
		"", "{}", "null", "<html>", `{"access_token":"` + fuzzing.Token + `","expires_on":"4102444800","expires_in":"3599","resource":"r","token_type":"Bearer","client_id":"c"}`, `{"access_token":"t","expires_on":1795420200}`, `{"access_token":"t","expires_on":"11/23/2026 07:00:00 +00:00"}`, `{"access_token":"t","expires_on":"never"}`, `{"access_token":"","expires_on":"4102444800"}`,
		`{"access_token":"t","expires_in":"-1"}`, `{"access_token":"t","expires_on":"99999999999999999999"}`, `{"access_token":"t","expires_on":"999999999999"}`, `{"error":"invalid_request","error_description":"Identity not found"}`, `{"error":{"code":"c","message":"\u001b[2J\u202e"}}`, `{"error":{"code":"` + strings.Repeat("x", 3000) + `"}}`, `{"statusCode":400,"message":"AADSTS700016: no ` + fuzzing.Token + `"}`,
		"GKE Metadata Server encountered an error", `{"error":{"code":"AudienceNotSupported","message":"m"}}`, `{"error":"x","error_description":"Multiple user assigned identities exist"}`,
	} {
		f.Add(200, "application/json", "", body)
		f.Add(400, "application/json; charset=utf-8", "", body)
		f.Add(404, "text/html\x1b[2J", "Google", body)
		f.Add(500, strings.Repeat("x", 3000), "", body)
	}
}

// answered asks an identity to which everybody answers the same.
func answered(t *testing.T, judge fuzzing.Judge, s Settings, a fuzzing.Answer) {
	t.Helper()
	s.HTTP = fuzzing.Client(func(*http.Request) fuzzing.Answer { return a })
	identity, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), fuzzing.Hurry)
	defer cancel()
	got, err := identity.Token(ctx, "api://app/.default")
	switch {
	case err != nil:
		judge.Answered(t, err)
		if strings.Contains(err.Error(), fuzzing.Canary) {
			t.Errorf("%q", err)
		}
	case got.Value.Empty() || fuzzing.Status(a.Status)/100 != 2:
		t.Errorf("a token of %d %q", fuzzing.Status(a.Status), a.Body)
	case !got.ExpiresOn.After(time.Unix(0, 0)) || got.ExpiresOn.Year() > 9999:
		t.Errorf("a token that ends at %s: %q", got.ExpiresOn, a.Body)
	}
}

// Whatever the instance metadata service answers is a token that says when it ends, or a refusal in our words.
func FuzzInstanceMetadataAnswers(f *testing.F) {
	machineAnswers(f)
	judge := fuzzing.NewJudge()
	f.Fuzz(func(t *testing.T, status int, contentType, flavor, body string) {
		answered(t, judge, Settings{Credential: "managed-identity"}, fuzzing.Answer{Status: status, ContentType: contentType, Body: body, Header: map[string]string{"Metadata-Flavor": flavor}})
	})
}

// So it is with the endpoint of App Service, whose secret goes with the request.
func FuzzAppServiceAnswers(f *testing.F) {
	machineAnswers(f)
	f.Setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:1/msi/token")
	f.Setenv("IDENTITY_HEADER", fuzzing.Canary)
	judge := fuzzing.NewJudge()
	f.Fuzz(func(t *testing.T, status int, contentType, flavor, body string) {
		answered(t, judge, Settings{Credential: "managed-identity", Lookup: os.LookupEnv}, fuzzing.Answer{Status: status, ContentType: contentType, Body: body, Header: map[string]string{"Server": flavor}})
	})
}

// So it is with a pipeline's service and the token service behind it.
func FuzzPipelineAnswers(f *testing.F) {
	for _, body := range []string{"", "{}", "[]", `{"value":"` + fuzzing.Token + `"}`, `{"value":1}`, `{"oidcToken":"` + fuzzing.Token + `"}`, `{"message":"\u001b[2J denied"}`, `{"value":"` + fuzzing.Token + `","access_token":"t","token_type":"Bearer","expires_in":3599}`, "<html>", `{"$id":"1","message":"` + strings.Repeat("m", 5000) + `"}`} {
		f.Add(200, "application/json", body)
		f.Add(403, "text/html\x1b[2J", body)
		f.Add(302, "", body)
	}
	const tenant, client = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
	variables := map[string]string{
		"ACTIONS_ID_TOKEN_REQUEST_URL": "https://pipelines.actions.githubusercontent.com/token?x=1", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": fuzzing.Canary,
		"SYSTEM_OIDCREQUESTURI": "https://dev.azure.com/o/p/_apis/distributedtask/x", "SYSTEM_ACCESSTOKEN": fuzzing.Canary, "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": "c",
	}
	judge := fuzzing.NewJudge()
	f.Fuzz(func(t *testing.T, status int, contentType, body string) {
		for _, credential := range []string{"github-actions", "azure-pipelines"} {
			answered(t, judge, Settings{
				Credential: credential, TenantID: tenant, ClientID: client, Lookup: func(name string) (string, bool) { v, ok := variables[name]; return v, ok },
			}, fuzzing.Answer{Status: status, ContentType: contentType, Body: body})
		}
	})
}

// Whatever az and azd print, on either stream, is a token or a refusal in our words.
func FuzzPrograms(f *testing.F) {
	for _, name := range []string{"get-access-token.json", "get-access-token-tenant.json", "azd-auth-token.json"} {
		data, err := os.ReadFile(filepath.Join("..", "..", "testdata", "azure-cli", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, "")
	}
	for _, stderr := range []string{"", "ERROR: Please run 'az login' to setup account.", "ERROR: AADSTS70043: The refresh token has expired. \x1b[31m" + fuzzing.Token, `{"type":"consoleMessage","data":{"message":"\nERROR: not logged in, run azd auth login"}}`, `{"error":"x\u001b[2J"}`, "\xff", strings.Repeat("{\n", 5000), strings.Repeat("long ", 5000)} {
		f.Add([]byte(`{"accessToken":"`+fuzzing.Token+`","expiresOn":"2026-11-23 08:00:00.000000"}`), stderr)
		f.Add([]byte(`{"token":"t","expiresOn":"2026-11-23T08:00:00Z"}`), stderr)
		f.Add([]byte(`{"accessToken":"","expires_on":-1}`), stderr)
	}
	judge := fuzzing.NewJudge()
	f.Fuzz(func(t *testing.T, stdout []byte, stderr string) {
		if _, err := azPrinted(stdout); err != nil {
			judge.Answered(t, err)
		}
		if _, err := azdPrinted(stdout); err != nil {
			judge.Answered(t, err)
		}
		judge.Answered(t, (&azureCLI{}).explain(stderr))
		judge.Answered(t, (&azd{}).explain(stderr))
		judge.Quoted(t, words(errors.New(stderr)))
	})
}

// Whatever is in az's profile, it says who is signed in or why that is not known, and the same file says the same.
func FuzzAzureProfile(f *testing.F) {
	for _, text := range []string{
		"", "{}", "\xef\xbb\xbf" + `{"subscriptions":[{"id":"s","tenantId":"t","environmentName":"AzureCloud","isDefault":true,"user":{"name":"systemAssignedIdentity","type":"servicePrincipal","assignedIdentityInfo":"MSI"}}]}`,
		`{"subscriptions":[{"isDefault":"yes"}]}`, `{"subscriptions":[{"isDefault":true,"user":null},{"isDefault":true}]}`, `{"subscriptions":{}}`, "useAzCliAuth",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		for _, name := range []string{"azureProfile.json", "auth.json", "config.json"} {
			if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s := Settings{Lookup: func(name string) (string, bool) {
			return dir, name == "AZURE_CONFIG_DIR" || name == "AZD_CONFIG_DIR" || name == "HOME"
		}}
		inputs, unknown := azureProfile(s)
		again, _ := azureProfile(s)
		if unknown == "" && len(inputs) < 7 || len(again) != len(inputs) {
			t.Errorf("%v", inputs)
		}
		if more, _ := azdInputs(s); len(more) < 4 {
			t.Errorf("%v", more)
		}
	})
}

// A federated token's file holds a token and nothing else.
func FuzzFederatedTokenFile(f *testing.F) {
	for _, text := range []string{fuzzing.Token, fuzzing.Token + "\r\n", "", "\n", "\xef\xbb\xbf" + fuzzing.Token, `{"token":"` + fuzzing.Token + `"}`, "a.b.c"} {
		f.Add([]byte(text))
	}
	judge := fuzzing.NewJudge()
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		w := &workloadIdentity{file: path}
		value, _, err := w.read()
		if err != nil {
			judge.Refused(t, err)
			if text := strings.TrimSpace(string(content)); len(text) > 40 && strings.Contains(err.Error(), text) {
				t.Errorf("the file is quoted: %q", err)
			}
		} else if value.Reveal() != strings.TrimSpace(string(content)) {
			t.Errorf("%q of %q", value.Reveal(), content)
		}
		_, unknown := tokenFileInputs(Settings{Lookup: func(string) (string, bool) { return "", false }}, path)
		if (unknown == "") != (err == nil) {
			t.Errorf("%q, %v", unknown, err)
		}
	})
}

// What is passed on to a program is one word to a batch file too.
func FuzzProgramArgument(f *testing.F) {
	for i, value := range []string{"", "contoso.onmicrosoft.com", "api://app/.default", "a b", "a&b", "%PATH%", "a^b", "\"", "\x00", "é", "-x"} {
		f.Add("field"+strconv.Itoa(i), value)
	}
	judge := fuzzing.NewJudge()
	f.Fuzz(func(t *testing.T, field, value string) {
		err := argument("--tenant-id", value)
		if err != nil {
			judge.Refused(t, err)
			if problem.From(err).Code != problem.BadInput {
				t.Errorf("%v", err)
			}
		} else if strings.ContainsAny(value, " \t\r\n\"'%^&|<>()!;,=\x00") {
			t.Errorf("%q is passed on", value)
		}
	})
}
