package doctor

import (
	"regexp"
	"slices"
	"strings"
)

// Compare returns the difference between what was presented and the nearest of what is expected, or nil where one of them
// is the same.
func Compare(field, presented string, expected ...string) *Difference {
	if len(expected) == 0 || slices.Contains(expected, presented) {
		return nil
	}
	for _, e := range expected {
		if why := Why(presented, e); why != "" {
			return &Difference{field, shown(presented), shown(e), why}
		}
	}
	return &Difference{Field: field, Presented: shown(presented), Expected: shown(strings.Join(expected, " or "))}
}

func shown(value string) string {
	if value == "" {
		return "(nothing)"
	}
	return strings.Join(strings.Fields(value), " ")
}

// Why says in words how two values differ that somebody may have meant to be the same, or "" where no such reason is seen.
func Why(presented, expected string) string {
	p, e := strings.TrimSpace(presented), strings.TrimSpace(expected)
	switch {
	case presented == expected:
		return ""
	case p == e:
		return "white space around it"
	case strings.TrimRight(p, "/") == strings.TrimRight(e, "/"):
		return "a slash at the end"
	case strings.EqualFold(p, e):
		return "capitals"
	case strings.EqualFold(strings.TrimRight(p, "/"), strings.TrimRight(e, "/")):
		return "capitals, and a slash at the end"
	}
	if why := issuers(p, e); why != "" {
		return why
	}
	const national = "api://AzureADTokenExchange"
	switch {
	case strings.HasPrefix(p, national) && strings.HasPrefix(e, national):
		return "the audience of another of Microsoft's clouds"
	case strings.TrimPrefix(p, "api://") == strings.TrimPrefix(e, "api://"):
		return "api:// before the client id"
	case guid(p) && uri(e):
		return "a client id where an App ID URI is expected: the token is of version 2"
	case uri(p) && guid(e):
		return "an App ID URI where a client id is expected: the token is of version 1"
	case digits(p) && strings.Contains(e, "@"):
		return "an account's numeric id where its e-mail address is expected"
	case strings.Contains(p, "@") && digits(e):
		return "an e-mail address where the account's numeric id is expected"
	case digits(p) && digits(e):
		return "the id of another account, or of one that was deleted and made again"
	}
	return ""
}

// issuers compares Entra ID's, of which each tenant has two.
// https://learn.microsoft.com/entra/identity-platform/access-tokens#token-formats
func issuers(p, e string) string {
	pTenant, pVersion := entraIssuer(p)
	eTenant, eVersion := entraIssuer(e)
	switch {
	case pVersion == "" || eVersion == "":
		return ""
	case pTenant != eTenant:
		return "another tenant"
	case pVersion != eVersion:
		return "a token of version " + pVersion + " where version " + eVersion + " is expected"
	}
	return ""
}

func entraIssuer(issuer string) (tenant, version string) {
	const id = `([0-9a-fA-F-]{36})`
	for version, pattern := range map[string]string{
		"1": `^https://sts\.(?:windows\.net|chinacloudapi\.cn)/` + id + `/?$`, "2": `^https://login\.(?:microsoftonline\.com|microsoftonline\.us|chinacloudapi\.cn|partner\.microsoftonline\.cn)/` + id + `/v2\.0/?$`,
	} {
		if m := regexp.MustCompile(pattern).FindStringSubmatch(issuer); m != nil {
			return strings.ToLower(m[1]), version
		}
	}
	return "", ""
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

func uri(s string) bool { return strings.Contains(s, "://") }

func guid(s string) bool {
	return regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`).MatchString(s)
}
