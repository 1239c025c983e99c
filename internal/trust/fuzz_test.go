package trust

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/idferry/idferry/internal/fuzzing"
	"github.com/idferry/idferry/internal/sts"
	"github.com/idferry/idferry/internal/token"
)

// Whatever is in the file that --token-claims names, it is refused, or each form of the trust is what it is for other claims, but
// for words and what stands in quotes: no claim becomes a command, a template or a line of its own.
func FuzzTokenClaims(f *testing.F) {
	for _, c := range []token.Claims{azureClaims(), googleClaims()} {
		raw, err := json.Marshal(map[string]any{"iss": c.Issuer, "sub": c.Subject, "aud": c.Audience[0], "tid": c.TenantID, "oid": c.ObjectID, "email": c.Email})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	for _, text := range []string{
		"", "{", "{}", "null", "[]", fuzzing.Token, `{"iss":"https://x","sub":"s'$(x)","aud":"api://AzureADTokenExchange"}`, `{"iss":"https://x\"}${y}%{z}","sub":"'\\","aud":"api://AzureADTokenExchange"}`, `{"iss":"https://x","sub":"@file","aud":"api://AzureADTokenExchange"}`,
		`{"iss":"https://x\n","sub":"\u001b[2J","aud":"api://AzureADTokenExchange"}`, `{"iss":"https://x","sub":"a","aud":["api://AzureADTokenExchange"],"email":"a\u202eb"}`, `{"iss":"https://x/ ` + "`id`" + `","sub":"1 2","aud":"a b'c","tid":"11111111-1111-1111-1111-111111111111","oid":"44444444-0000-0000-0000-00000000000d"}`,
		`{"iss":"https://x","sub":"1","aud":"${a}","tid":"11111111-1111-1111-1111-111111111111","oid":"44444444-0000-0000-0000-00000000000d"}`, `{"iss":"https://x","sub":"# x","aud":"api://AzureADTokenExchange","email":"*/ \" 'x"}`,
	} {
		f.Add([]byte(text))
	}
	judge := fuzzing.NewJudge()
	azures := map[string]func(*Azure){
		"application": func(a *Azure) {
			a.Role, a.Scope = "Storage Blob Data Reader", "/subscriptions/1/storageAccounts/2"
		},
		"managed":  func(a *Azure) { a.Application, a.Identity, a.ResourceGroup = "", "blob-reader", "my-group" },
		"existing": func(a *Azure) { a.Application, a.ClientID = "", "33333333-3333-3333-3333-333333333333" },
	}
	googles := map[string]func(*Google){
		"account": func(g *Google) { g.ServiceAccount = "reader@my-project.iam.gserviceaccount.com" },
		"role":    func(g *Google) { g.Project, g.Role, g.On = "123456789", "roles/storage.objectViewer", "gs://my-bucket" },
		"tenant":  func(g *Google) { g.WholeTenant = true },
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "claims")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		claims, err := ReadClaims(path)
		if err != nil {
			judge.Refused(t, err)
			return
		}
		for name, change := range azures {
			a := azure(change)
			plain := a
			a.Claims = claims
			if a.Check() != nil {
				continue
			}
			// The sentences and the credential's name differ by the issuer, not by what is in it.
			if a.Claims.Issuer != GoogleIssuer {
				plain.Claims = token.Claims{Issuer: "https://issuer.example", Subject: "subject", Audience: a.Claims.Audience}
			}
			if a.Claims.Email == "" {
				plain.Claims.Email = ""
			} else {
				plain.Claims.Email = "reader"
			}
			alike(t, name+".sh", a.Az(), plain.Az())
			alike(t, name+".tf", a.Terraform(), plain.Terraform())
			mine, err := a.Bicep()
			if theirs, failed := plain.Bicep(); (err == nil) != (failed == nil) {
				t.Errorf("%v, %v", err, failed)
			} else if err == nil {
				alike(t, name+".bicep", mine, theirs)
			}
			document, err := a.JSON()
			if err != nil || !json.Valid([]byte(document)) {
				t.Errorf("%v %s", err, document)
			}
		}
		for name, change := range googles {
			g := google(change)
			plain := g
			g.Claims, g.Condition = claims, sts.Admits(claims)
			if g.Check() != nil {
				continue
			}
			if sts.ByObjectID(claims) {
				plain.Claims.Subject = strings.Repeat("s", max(len(claims.Subject), 1))
			}
			alike(t, name+".sh", g.Gcloud(), plain.Gcloud())
			alike(t, name+".tf", g.Terraform(), plain.Terraform())
			if document, err := g.JSON(); err != nil || !json.Valid([]byte(document)) {
				t.Errorf("%v %s", err, document)
			}
		}
	})
}

// alike fails the test unless two documents have the same skeleton.
func alike(t *testing.T, name, got, plain string) {
	t.Helper()
	if strings.ContainsFunc(got, func(r rune) bool { return r != '\n' && !unicode.IsGraphic(r) }) {
		t.Errorf("%s: a terminal obeys %q", name, got)
	}
	if a, b := skeleton(filepath.Ext(name), got), skeleton(filepath.Ext(name), plain); a != b {
		t.Errorf("%s is another document:\n%s\n%s\n%s\n%s", name, got, plain, a, b)
	}
}

// skeleton is a document with every word, string and comment as one letter. A string in which something is evaluated is its
// pieces.
func skeleton(language, text string) string {
	var b strings.Builder
	mark := func(c byte) {
		if s := b.String(); len(s) == 0 || s[len(s)-1] != c {
			b.WriteByte(c)
		}
	}
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '#' && language != ".bicep" && (i == 0 || text[i-1] == '\n' || text[i-1] == ' '), strings.HasPrefix(text[i:], "//") && language == ".bicep" && (i == 0 || text[i-1] == '\n' || text[i-1] == ' '):
			mark('c')
			for i+1 < len(text) && text[i+1] != '\n' {
				i++
			}
		case c == '\'' && language != ".tf", c == '"' && language != ".bicep":
			mark('w')
			for i++; i < len(text) && text[i] != c; i++ {
				switch escapes := language != ".sh" || c == '"'; {
				case escapes && text[i] == '\\':
					i++
				case language == ".tf" && (strings.HasPrefix(text[i:], "$${") || strings.HasPrefix(text[i:], "%%{")):
					i += 2
				case language != ".sh" && strings.HasPrefix(text[i:], "${"), language == ".tf" && strings.HasPrefix(text[i:], "%{"), language == ".sh" && c == '"' && (text[i] == '$' || text[i] == '`'):
					b.WriteString("<" + evaluated().FindString(text[i:]) + ">")
					mark('w')
				}
			}
		case c == '\\' && language == ".sh" && i+1 < len(text) && text[i+1] != '\n':
			mark('w')
			i++
		case c >= 0x80 || strings.IndexByte(words, c) >= 0:
			mark('w')
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// words are the characters that ForShell leaves without quotes.
const words = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:@%,=^"

func evaluated() *regexp.Regexp { return regexp.MustCompile(`^[$%]\{?\(?[a-zA-Z_.\[\]0-9]*`) }
