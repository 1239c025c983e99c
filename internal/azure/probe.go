package azure

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	msal "github.com/AzureAD/microsoft-authentication-library-for-go/apps/errors"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/managedidentity"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// probed is the machine's identity as a link of the chain: the instance metadata service has to show quickly that it is
// there, as azidentity has it.
type probed struct {
	*managedIdentity
	// there is set when the service has shown so. The chain asks its links one call at a time.
	there bool
}

const probeTime = time.Second

func openProbed(s Settings) (source, error) {
	src, err := openManagedIdentity(s)
	if err != nil {
		// An AZURE_CLIENT_ID may be meant for another program.
		return nil, elsewhere{err}
	}
	m := src.(*managedIdentity)
	m.chained = true
	return &probed{managedIdentity: m, there: m.where != managedidentity.DefaultToIMDS}, nil
}

func (p *probed) token(ctx context.Context, scope string) (token.Token, error) {
	if !p.there {
		if err := p.probe(ctx); err != nil {
			return token.Token{}, err
		}
		p.there = true
	}
	t, err := p.managedIdentity.token(ctx, scope)
	if err != nil && p.isElsewhere(err) {
		err = elsewhere{err}
	}
	return t, err
}

// probe sends a request that the service refuses, for want of its header.
func (p *probed) probe(ctx context.Context) error {
	rewrite, err := p.settings.podIdentity()
	if err != nil {
		return err
	}
	w := &witness{}
	short, cancel := context.WithTimeout(context.WithValue(ctx, witnessKey{}, w), probeTime)
	defer cancel()
	request, err := http.NewRequestWithContext(short, http.MethodGet, "http://"+imds+"/metadata/identity/oauth2/token", nil)
	if err != nil {
		return err
	}
	resp, err := p.settings.machineClient(rewrite).Do(request)
	if err != nil {
		if _, failure := w.last(); failure != nil {
			err = failure
		}
		return elsewhere{p.unanswered(ctx, err)}
	}
	return resp.Body.Close()
}

// isElsewhere reports whether a refusal means that no identity is here: somebody else is at the address, or none is assigned
// and none was picked; and in Cloud Shell, that its tokens are not for this resource.
func (p *probed) isElsewhere(err error) bool {
	e := problem.From(err)
	if p.where != managedidentity.DefaultToIMDS {
		return e.Code == "AudienceNotSupported"
	}
	var call msal.CallErr
	return e.Code == problem.BadAnswer || p.picked == nil && !strings.HasPrefix(e.Code, "AADSTS") && errors.As(err, &call) && call.Resp.StatusCode == http.StatusBadRequest
}

// elsewhere is the failure of a link of the chain whose identity is not here.
type elsewhere struct{ error }

func (e elsewhere) Unwrap() error { return e.error }

func isElsewhere(err error) bool {
	var e elsewhere
	return errors.As(err, &e)
}
