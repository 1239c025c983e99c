package guard

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What somebody else may have written, and the targets that read it. CONTRIBUTING.md says how they are run.
func fuzzed() map[string][]string {
	return map[string][]string{
		"exec info":                          {"internal/kubeexec FuzzExecInfo"},
		"response and output file":           {"internal/pluggable FuzzResponse", "internal/externalaccount FuzzOutputFile"},
		"sealed file, and what is beside it": {"internal/cache FuzzSealedFile", "internal/cache FuzzAHeaderIsReadOrRefused", "internal/cache FuzzWhatLiesInTheDirectory"},
		"the cache's key in its holder":      {"internal/cache FuzzWhatAHolderKeeps"},
		"kubeconfig and kuberc":              {"internal/kubeconfig FuzzRewrite", "internal/kubeconfig FuzzSecretsInADiff", "internal/kubeconfig FuzzFindPlugin", "internal/kubeconfig FuzzKuberc"},
		"external_account file":              {"internal/externalaccount FuzzFile", "internal/externalaccount FuzzAudience", "internal/externalaccount FuzzConfig", "cmd/gcp-executable-source FuzzCommandArguments"},
		"JWT claims":                         {"internal/token FuzzClaims", "internal/token FuzzToken", "internal/trust FuzzTokenClaims", "internal/entra FuzzBoundToken"},
		"argv of az, its --query and output": {"internal/azcli FuzzArguments", "internal/azcli FuzzQuery", "internal/azcli FuzzOutput"},
		"key and credentials files":          {"internal/google FuzzCredentialsFile", "internal/google FuzzCredentialsFields", "internal/azure FuzzCertificate"},
		"token files":                        {"internal/google FuzzTokenFile", "internal/azure FuzzFederatedTokenFile", "internal/tokenfile FuzzHeldFile"},
		"metadata answers":                   {"internal/google FuzzMetadataAnswers", "internal/azure FuzzInstanceMetadataAnswers", "internal/azure FuzzAppServiceAnswers"},
		"answers of token services":          {"internal/entra FuzzTokenEndpoint", "internal/entra FuzzDiscovery", "internal/sts FuzzAnswers", "internal/azure FuzzPipelineAnswers"},
		"other answers":                      {"internal/upstream FuzzAnswer", "internal/resourcemanager FuzzTenants", "internal/doctor FuzzDate"},
		"requests to exec's endpoint":        {"internal/oidcrequest FuzzRequest"},
		"what programs print and keep":       {"internal/azure FuzzPrograms", "internal/azure FuzzProgramArgument", "internal/azure FuzzAzureProfile", "internal/google FuzzGcloudProperties", "cmd/azure-token-helper FuzzSelfSubjectReview"},
		"what administrators hand over":      {"cmd/azure-token-helper FuzzTrustedCredentials", "cmd/gcp-executable-source FuzzTrustedProvider", "internal/doctor FuzzPastedError"},
		"claims challenges":                  {"cmd/azure-token-helper FuzzClaimsChallenge"},
		"texts of errors, where they leave":  {"internal/entra FuzzExplain", "internal/token FuzzQuote", "internal/catalogue FuzzForShell", "internal/doctor FuzzReport"},
	}
}

// targets are the fuzz targets of the module, each behind its package.
func targets(t *testing.T) []string {
	t.Helper()
	var all []string
	set := token.NewFileSet()
	for _, dir := range []string{"cmd", "internal", "federation"} {
		paths, err := filepath.Glob(filepath.Join("..", "..", dir, "*", "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range paths {
			file, err := parser.ParseFile(set, p, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range file.Decls {
				if f, ok := d.(*ast.FuncDecl); ok && strings.HasPrefix(f.Name.Name, "Fuzz") {
					all = append(all, dir+"/"+filepath.Base(filepath.Dir(p))+" "+f.Name.Name)
				}
			}
		}
	}
	return all
}

func TestEveryParserOfOutsideBytesIsFuzzed(t *testing.T) {
	there := targets(t)
	var listed []string
	for what, names := range fuzzed() {
		for _, name := range names {
			if listed = append(listed, name); !slices.Contains(there, name) {
				t.Errorf("%s: there is no %s", what, name)
			}
		}
	}
	for _, name := range there {
		if !slices.Contains(listed, name) {
			t.Errorf("%s is not listed here with what it reads", name)
		}
	}
	// A new parser is known by what it decodes with.
	decoders := []string{
		"json.Unmarshal", "json.NewDecoder", "yaml.Unmarshal", "yaml.NewDecoder", "xml.Unmarshal", "xml.NewDecoder", "pem.Decode", "asn1.Unmarshal", "x509.ParsePKCS8PrivateKey",
		"pkcs12.DecodeChain", "csv.NewReader", "bufio.NewScanner", "token.ReadClaims", "hex.DecodeString", "StdEncoding.DecodeString", "binary.Read",
	}
	tests := []string{"internal/storytest", "internal/processes", "internal/manual", "internal/reference", "internal/faults", "internal/fuzzing", "internal/leanstart"}
	sources(t, func(file string, parsed *ast.File, set *token.FileSet) {
		room := path.Dir(file)
		if slices.Contains(tests, room) || slices.ContainsFunc(there, func(name string) bool { return strings.HasPrefix(name, room+" ") }) {
			return
		}
		calls(parsed, func(name string, call *ast.CallExpr) {
			if slices.Contains(decoders, name) {
				t.Errorf("%s: %s, and no target fuzzes %s", set.Position(call.Pos()), name, room)
			}
		})
	})
}
