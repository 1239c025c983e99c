package entra

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	msal "github.com/AzureAD/microsoft-authentication-library-for-go/apps/errors"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
	"github.com/idferry/idferry/internal/upstream"
)

// Explain returns what a failure of the token service means to a user, as a *problem.Error: the AADSTS code and its text
// word for word, and what to type next; or that nobody answered, or answered something else. An error that is a
// *problem.Error already is returned as it is.
func Explain(err error) error {
	var known *problem.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return known
	}
	var call msal.CallErr
	if errors.As(err, &call) && call.Resp != nil {
		return ExplainAnswer(call.Resp, err)
	}
	if unanswered := upstream.Unreachable(err); unanswered != nil && problem.From(err).Code != problem.DeadlineExceeded {
		return unanswered.WithHint("check the address (--authority-host), the proxy (HTTPS_PROXY, NO_PROXY) and the network")
	}
	if e := fromText(err.Error(), err); e != nil {
		return e
	}
	e := problem.From(err)
	return &problem.Error{Code: e.Code, Message: "entra id: " + short(err.Error()), Err: err}
}

// ExplainAnswer is Explain for an answer at hand. It reads resp's body and puts it back.
func ExplainAnswer(resp *http.Response, err error) error {
	body := readBack(resp)
	var answer struct {
		Error       json.RawMessage `json:"error"`
		Description string          `json:"error_description"`
		Message     string          `json:"message"`
	}
	_ = json.Unmarshal(body, &answer)
	if e := fromText(answer.Description+" "+answer.Message+" "+string(answer.Error), err); e != nil {
		return e
	}
	where := ""
	if resp.Request != nil {
		where = resp.Request.URL.Host + " "
	}
	said := answer.Description
	if said == "" {
		said = answer.Message
	}
	if said == "" {
		said = http.DetectContentType(body)
		if len(body) == 0 {
			said = "nothing"
		}
	}
	e := problem.New(problem.Refused, "%sanswered %d: %s", where, resp.StatusCode, short(said))
	var name string
	if json.Unmarshal(answer.Error, &name) == nil && name != "" {
		e.Code = name
	}
	if resp.StatusCode == http.StatusTooManyRequests {
		e.Hint = "it asks for fewer requests; try again in " + retryAfter(resp)
	}
	e.Err = err
	return e
}

func readBack(resp *http.Response) []byte {
	if resp.Body == nil {
		return nil
	}
	// azidentity and MSAL leave a body that can be read again from its start.
	if s, ok := resp.Body.(io.Seeker); ok {
		_, _ = s.Seek(0, io.SeekStart)
	}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return body
}

func retryAfter(resp *http.Response) string {
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
		return strconv.Itoa(s) + " seconds"
	}
	return "a minute"
}

// fromText finds an AADSTS code in text; it returns nil when there is none.
func fromText(text string, cause error) *problem.Error {
	m := regexp.MustCompile(`AADSTS(\d+)(?::?\s*)([\s\S]*)`).FindStringSubmatch(text)
	if m == nil {
		return nil
	}
	code := "AADSTS" + m[1]
	return &problem.Error{
		Code: code, Message: "entra id refused: " + code + ": " + short(m[2]),
		Hint: hints()[m[1]], Err: cause,
	}
}

// short is the part of an upstream's text that helps: on one line, without ids that only Microsoft can look up,
// without boilerplate and without credentials.
func short(text string) string {
	for _, end := range []string{"Trace ID:", "\r\n", `", "error`, `","error`, "-----", "To troubleshoot, visit", "Please check your federated identity credential"} {
		text, _, _ = strings.Cut(text, end)
	}
	text = strings.Join(strings.Fields(token.NewRedactor().Clean(text)), " ")
	const most = 400
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return strings.TrimRight(text, ` ."'}`)
}

// hints are what to do about a code. https://learn.microsoft.com/entra/identity-platform/reference-error-codes
func hints() map[string]string {
	const credential = "compare with the federated credentials of the application: az ad app federated-credential list --id APPLICATION; a new one takes some minutes to work"
	const application = "check the application (client) id and the tenant: az ad app list --display-name NAME --query '[].appId' -o tsv; an object id is not a client id"
	const cloud = "check the tenant and the cloud (--cloud or --environment): az account show --query tenantId -o tsv"
	return map[string]string{
		"70021": credential, "700211": credential, "700212": credential, "700213": credential, "7002137": credential, "7002138": credential,
		"700024":  "the assertion is too old or the clock is wrong: date -u",
		"700027":  "the assertion was changed, or is signed with a key that is not registered: az ad app credential list --id APPLICATION --cert",
		"50027":   "what was presented is no JSON Web Token: is it an access token, or an empty file?",
		"50013":   "the assertion was not made for this application",
		"7000215": "use the secret's value, not its id, or make a new one: az ad app credential reset --id APPLICATION --append",
		"7000222": "the secret has expired; trust an identity instead (federated credential), or: az ad app credential reset --id APPLICATION --append",
		"7000218": "set AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_PATH",
		"700016":  application,
		"7000112": "it was disabled: az ad sp update --id APPLICATION --set accountEnabled=true",
		"90002":   cloud, "900382": cloud, "90038": cloud, "50049": cloud,
		"500011": "check the resource's App ID URI: az ad app list --query \"[].identifierUris\" -o tsv; its service principal must exist in this tenant: az ad sp create --id RESOURCE",
		"65001":  "an administrator has to consent: az ad app permission admin-consent --id APPLICATION",
		"70011":  "a scope ends in /.default: --scope RESOURCE/.default", "1002012": "a scope ends in /.default: --scope RESOURCE/.default",
		"53003":  "a Conditional Access policy of the tenant blocks this workload, often by its network location",
		"100007": "regional endpoints refuse this identity: unset AZURE_REGIONAL_AUTHORITY_NAME",
		"90033":  "it is a passing fault: try again", "90006": "it is a passing fault: try again", "50033": "it is a passing fault: try again",
		"90055": "too many requests: try again in a minute",
	}
}
