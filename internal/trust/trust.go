// Package trust writes down what makes one cloud trust an identity of the other, as commands or as code that an
// administrator can read, change and run. It runs nothing.
//
// What it writes admits the identity at hand and nobody else, and says in comments what each part is for.
package trust

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"strings"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// ReadClaims reads the claims of a token from a file that somebody made elsewhere: the claims as a JSON object, as
// https://jwt.ms shows them, or the token itself. Its signature is not looked at: nothing is admitted by it.
func ReadClaims(path string) (token.Claims, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return token.Claims{}, problem.Input("--token-claims", "%w", err)
	}
	text := strings.TrimSpace(string(data))
	if strings.HasPrefix(text, "{") {
		if !json.Valid([]byte(text)) {
			return token.Claims{}, problem.Input("--token-claims", "%s is not JSON", path)
		}
		text = "e30." + base64.RawURLEncoding.EncodeToString([]byte(text)) + ".e30"
	}
	claims, err := token.ReadClaims(text)
	if err != nil {
		return token.Claims{}, problem.Input("--token-claims", "%s is neither claims in JSON nor a token: %w", path, err).
			WithHint(`it looks like {"iss": "https://…", "sub": "…", "aud": "…"}`)
	}
	return claims, need(claims)
}

// text is a document that grows line by line.
type text struct{ strings.Builder }

func (t *text) lines(all ...string) {
	for _, l := range all {
		t.WriteString(l + "\n")
	}
}

// comment writes sentences behind mark, each on a line of its own. What comes from a token cannot end the line.
func (t *text) comment(mark string, sentences ...string) {
	for _, s := range sentences {
		t.lines(mark + " " + oneLine(s))
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// hcl writes a string of Terraform's language, in which ${ and %{ begin a template.
// https://developer.hashicorp.com/terraform/language/expressions/strings
func hcl(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "${", "$${", "%{", "%%{").Replace(s) + `"`
}

// bicep writes a string of Bicep. https://learn.microsoft.com/azure/azure-resource-manager/bicep/data-types#strings
func bicep(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "${", `\${`).Replace(s) + "'"
}

// identifier makes a name for a resource in Terraform or Bicep of an id.
func identifier(id string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, id)
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		return "_" + name
	}
	return name
}

func document(v any) (string, error) {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(v)
	return b.String(), err
}
