package azure

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	msal "github.com/AzureAD/microsoft-authentication-library-for-go/apps/errors"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/managedidentity"

	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/problem"
)

// askIMDS shows what the instance metadata service says to anybody.
const askIMDS = "curl -sS -H Metadata:true 'http://" + imds + "/metadata/instance?api-version=2021-02-01'"

func (m *managedIdentity) explain(ctx context.Context, w *witness, err error) error {
	answer, failure := w.last()
	var known *problem.Error
	switch {
	case failure != nil:
		return m.unanswered(ctx, failure)
	case answer == nil && (ctx.Err() != nil || errors.As(err, &known)):
		return entra.Explain(err)
	case m.where == managedidentity.AzureArc && !refusedByArc(answer):
		return m.unproven(err)
	case answer != nil:
		return m.refused(answer, err)
	default:
		return problem.New(problem.BadAnswer, "%s: its answer is not the documented one: %s", m.who(), words(err)).WithHint("%s", m.host().variables)
	}
}

// unanswered says why nobody answered.
func (m *managedIdentity) unanswered(ctx context.Context, failure error) error {
	var known *problem.Error
	if errors.As(failure, &known) {
		e := *known
		if !strings.HasPrefix(e.Message, m.who()) {
			e.Message = m.who() + ": " + e.Message
		}
		return &e
	}
	var u *url.Error
	place, cause := imds, failure
	if errors.As(failure, &u) {
		cause = u.Err
		if at, err := url.Parse(u.URL); err == nil {
			place = at.Host
		}
	}
	if ctx.Err() != nil {
		return problem.New(problem.DeadlineExceeded, "%s: %s did not answer in time: %w", m.who(), place, ctx.Err()).
			WithHint("choose another --credential if this is no Azure machine, or give it longer with --timeout")
	}
	if m.where == managedidentity.ServiceFabric && strings.Contains(cause.Error(), "thumbprint") {
		return problem.New(problem.BadAnswer, "%s: the certificate at %s is not the one that IDENTITY_SERVER_THUMBPRINT names: %w", m.who(), place, cause).
			WithHint("%s", m.host().variables)
	}
	if m.where == managedidentity.ServiceFabric && strings.Contains(cause.Error(), "redirects are not permitted") {
		// Where to is not said: what answers with a redirect may put the secret that it was asked with into it.
		return problem.New(problem.BadAnswer, "%s: its endpoint answered with a redirect; a token endpoint never redirects", m.who()).
			WithHint("%s", m.host().variables)
	}
	e := problem.New(problem.NoIdentity, "%s: nothing answered at %s: %w", m.who(), place, cause)
	if s := m.settings; m.where == managedidentity.DefaultToIMDS && s.env("IDENTITY_ENDPOINT") != "" {
		return e.WithHint("IDENTITY_ENDPOINT is set, and IDENTITY_HEADER is not: take both from the environment that the site's own processes are started with")
	}
	if place == imds {
		e.Message += "; this is no Azure machine, or its network blocks that address"
		return e.WithHint("choose another --credential; on an Azure machine try: %s", askIMDS)
	}
	return e.WithHint("%s", m.host().variables)
}

// refused explains an answer that is a refusal.
func (m *managedIdentity) refused(answer *http.Response, err error) error {
	body, _ := io.ReadAll(answer.Body)
	flat := *answer
	flat.Body = io.NopCloser(bytes.NewReader(flatten(body)))
	e := *problem.From(entra.Explain(msal.CallErr{Resp: &flat, Err: err}))
	if strings.HasPrefix(e.Code, "AADSTS") {
		return &e
	}
	e.Message = m.who() + ": " + e.Message
	host, where := m.host(), m.where == managedidentity.DefaultToIMDS
	switch status := answer.StatusCode; {
	case status == http.StatusTooManyRequests:
	case !json.Valid(body) && where && status != http.StatusGone:
		e.Hint = "something else answers at " + imds + "; choose another --credential if this is no Azure machine"
	case e.Code == "AudienceNotSupported":
		e.Hint = "sign in as yourself: az login --scope RESOURCE/.default; and choose --credential azure-cli"
	case status == http.StatusBadRequest && strings.Contains(e.Message, "Multiple user assigned identities"):
		e.Hint = "pick one with --client-id: az vm identity show --ids VM"
	case status == http.StatusBadRequest || status == http.StatusNotFound && !where:
		e.Hint = host.assign(m.picked)
	case (status == http.StatusUnauthorized || status == http.StatusForbidden) && !where:
		e.Hint = host.secret
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		e.Hint = "see what it allows: " + askIMDS
	default:
		e.Hint = "the endpoint may be starting or under repair: try again in a minute"
	}
	return &e
}

// flatten gives OAuth's form to the errors of Service Fabric, Azure ML and Cloud Shell, whose error is an object.
func flatten(body []byte) []byte {
	var nested struct {
		Error struct{ Code, Message string }
	}
	if json.Unmarshal(body, &nested) != nil || nested.Error.Code+nested.Error.Message == "" {
		return body
	}
	flat, err := json.Marshal(map[string]string{"error": nested.Error.Code, "error_description": nested.Error.Message})
	if err != nil {
		return body
	}
	return flat
}

// words is what azidentity says beside its own name and links.
func words(err error) string {
	text, _, _ := strings.Cut(err.Error(), "To troubleshoot, visit")
	return strings.TrimRight(quote(strings.TrimPrefix(text, "ManagedIdentityCredential: ")), " .")
}
