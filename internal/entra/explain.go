package entra

import (
	"bytes"
	"context"
	"crypto/tls"
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
//
// No text of its own tells anybody to sign in with the Azure CLI: Azure SDKs take that for the whole diagnosis when they
// run azure-token-helper as az.
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
		return explainAnswer(call, err)
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return explainGivenUp(err)
	}
	if unanswered := upstream.Unreachable(err); unanswered != nil {
		var certificate *tls.CertificateVerificationError
		if errors.As(err, &certificate) {
			return unanswered.WithHint("if a proxy of yours signs in its place, trust it: export SSL_CERT_FILE=FILE with its CA's certificate")
		}
		if unanswered.Hint != "" {
			return unanswered
		}
		return unanswered.WithHint("check the address (--authority-host), the proxy (HTTPS_PROXY, NO_PROXY) and the network")
	}
	// azidentity prints the whole answer, in indented JSON, below its own words.
	text := err.Error()
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "")
	}
	if answer := answerWithin(text); answer != nil {
		if e := fromText(answer.text(), err); e != nil {
			return e
		}
	}
	if e := fromText(text, err); e != nil {
		return e
	}
	return &problem.Error{Code: problem.Unexpected, Message: "entra id: " + short(text), Err: err}
}

// answer is an error answer of OAuth 2.0 (RFC 6749 section 5.2) or of App Service, which has a message instead.
type answer struct {
	Error       json.RawMessage `json:"error"`
	Description string          `json:"error_description"`
	Message     string          `json:"message"`
}

// text is everything in which an AADSTS code may be. What OAuth calls error is a word, beside which the description has it.
func (a answer) text() string {
	said := strings.TrimSpace(a.Description + " " + a.Message)
	var word string
	if said != "" && json.Unmarshal(a.Error, &word) == nil {
		return said
	}
	return said + " " + string(a.Error)
}

// answerWithin finds an error answer that somebody quoted in text. It does not look on for ever, since each place to begin at
// may be one to read to the end from.
func answerWithin(text string) *answer {
	at := strings.IndexByte(text, '{')
	for tries := 0; at >= 0 && tries < 100; tries++ {
		var a answer
		if json.NewDecoder(strings.NewReader(text[at:])).Decode(&a) == nil && len(a.Error)+len(a.Message) > 0 {
			return &a
		}
		next := strings.IndexByte(text[at+1:], '{')
		if next < 0 {
			break
		}
		at += 1 + next
	}
	return nil
}

func explainAnswer(call msal.CallErr, err error) error {
	resp := call.Resp
	body := readBack(resp)
	where := "the token service"
	if request := resp.Request; request != nil {
		where = request.URL.Host
	} else if call.Req != nil {
		where = call.Req.URL.Host
	}
	var a answer
	if json.Unmarshal(body, &a) != nil || len(a.Error)+len(a.Message)+len(a.Description) == 0 {
		e := problem.New(problem.BadAnswer, "%s answered %d with %s, not an error of a token service", where, resp.StatusCode, upstream.Describe(resp.Header.Get("Content-Type"), body)).
			WithHint("a proxy or a sign-in page may be answering in its place: check HTTPS_PROXY and NO_PROXY")
		if resp.StatusCode == http.StatusTooManyRequests {
			e.Code, e.Hint = problem.Refused, "it asks for fewer requests; try again in "+retryAfter(resp)
		}
		e.Err = err
		return e
	}
	if e := fromText(a.text(), err); e != nil {
		return e
	}
	said := a.Description
	if said == "" {
		said = a.Message
	}
	code := problem.Refused
	var name string
	if json.Unmarshal(a.Error, &name) == nil && name != "" {
		if problem.IsCode(name) {
			code = name
		}
		said = strings.TrimSuffix(name+": "+said, ": ")
	}
	e := problem.New(code, "%s answered %d: %s", where, resp.StatusCode, short(said))
	if resp.StatusCode == http.StatusTooManyRequests {
		e.Hint = "it asks for fewer requests; try again in " + retryAfter(resp)
	}
	e.Err = err
	return e
}

func explainGivenUp(err error) error {
	what := "asking entra id for a token"
	if u := upstream.Unreachable(err); u != nil {
		what = strings.TrimSuffix(u.Message, ": "+errors.Unwrap(u).Error())
	}
	if errors.Is(err, context.Canceled) {
		return problem.New(problem.Unexpected, "%s: %w", what, context.Canceled)
	}
	return problem.New(problem.DeadlineExceeded, "%s: %w", what, context.DeadlineExceeded).
		WithHint("check the proxy (HTTPS_PROXY, NO_PROXY) and the network, or give it longer with --timeout")
}

// readBack reads a body that MSAL, azidentity or package upstream holds in memory, and puts it back.
func readBack(resp *http.Response) []byte {
	if resp.Body == nil {
		return nil
	}
	if s, ok := resp.Body.(io.Seeker); ok {
		_, _ = s.Seek(0, io.SeekStart)
	}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return body
}

func retryAfter(resp *http.Response) string {
	if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s > 0 {
		return strconv.Itoa(s) + " seconds"
	}
	return "a minute"
}

// maxText bounds what is looked through of an error. The client for the token proxy of AKS is azidentity's own and reads an
// answer of any size, whose megabytes took longer than a caller waits.
const maxText = 64 << 10

// maxSaid bounds what is kept of an answer that nobody knows; Entra's are far shorter.
const maxSaid = 8 << 10

// fromText finds an AADSTS code in text; it returns nil when there is none.
func fromText(text string, cause error) *problem.Error {
	m := regexp.MustCompile(`AADSTS(\d{1,10})(?::?\s*)([\s\S]*)`).FindStringSubmatch(text)
	if m == nil {
		return nil
	}
	code := "AADSTS" + m[1]
	message := strings.TrimSuffix("entra id refused: "+code+": "+short(m[2]), ": ")
	e := Advise(&problem.Error{Code: code, Message: message, Err: cause}, nil)
	if e.Advice == nil {
		e.Said = token.Quote(text, maxSaid)
	}
	return e
}

// short is the part of an upstream's text that helps: on one line, without ids that only Microsoft can look up,
// without boilerplate and without credentials.
func short(text string) string {
	for _, end := range []string{
		"Trace ID:", `", "error`, `","error`, "-----", "To troubleshoot, visit", "Please check your federated identity credential", "Review the documentation at",
	} {
		text, _, _ = strings.Cut(text, end)
	}
	text = token.Line(token.NewRedactor().Clean(text))
	// See Explain: somebody else's text must not say it either.
	text = regexp.MustCompile(`(?i)az (login|account set)`).ReplaceAllString(text, "az… $1")
	const most = 400
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "")
		if sentence := strings.LastIndex(text, ". "); sentence > most/3 {
			return text[:sentence]
		}
		return text + "…"
	}
	return strings.TrimRight(text, ` ."}`)
}
