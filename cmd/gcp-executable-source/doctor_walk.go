package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/idferry/idferry/internal/cache"
	"github.com/idferry/idferry/internal/doctor"
	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/externalaccount"
	"github.com/idferry/idferry/internal/pluggable"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/sts"
	"github.com/idferry/idferry/internal/token"
)

// run examines the hops.
func (w *walk) run(x *doctor.Examination) {
	now := w.process.Now
	settings := x.Hop("settings", w.examineFile)
	way := doctor.NewWay(w.file.TokenURL, w.process.Lookup, now)
	network := x.Hop("way to Google", way.Examine)
	x.Hop("clock", way.Clock)
	var subject, federated, access token.Token
	identity := x.Hop("Azure identity", func(ctx context.Context, h *doctor.Hop) (err error) {
		subject, err = w.examineIdentity(ctx, h)
		return err
	}, settings)
	exchanged := x.Hop("exchange at Google", func(ctx context.Context, h *doctor.Hop) (err error) {
		if w.file.Audience == "" {
			return doctor.Skip("no provider is named: give a file, or --audience; gcp-executable-source trust prints what makes one")
		}
		h.Summary = strings.TrimPrefix(w.file.Audience, "//iam.googleapis.com/")
		federated, err = sts.Exchange{
			URL: w.file.TokenURL, Audience: w.file.Audience, SubjectTokenType: w.file.SubjectTokenType, UserProject: w.file.UserProject,
			ClientID: w.file.ClientID, ClientSecret: w.file.ClientSecret, Now: now,
		}.Token(ctx, subject.Value)
		if err != nil {
			claims, _ := subject.Value.Claims()
			h.Differences = w.differences(problem.From(err), claims)
			return err
		}
		h.Add("exp", doctor.In(federated.ExpiresOn, now()))
		return nil
	}, network, identity)
	impersonated := x.Hop("service account", func(ctx context.Context, h *doctor.Hop) (err error) {
		if w.file.ImpersonationURL == "" {
			access = federated
			return doctor.Skip("none: the pool's principal itself is given roles")
		}
		h.Summary = w.file.Account
		claims, _ := subject.Value.Claims()
		access, err = sts.Impersonation{URL: w.file.ImpersonationURL, Account: w.file.Account, Lifetime: w.file.Lifetime, Member: w.member(claims)}.Token(ctx, federated.Value)
		if err == nil {
			h.Add("exp", doctor.In(access.ExpiresOn, now()))
		}
		return err
	}, exchanged)
	needed := impersonated
	if w.file.ImpersonationURL == "" {
		needed = exchanged
	}
	x.Hop("call to Google", func(ctx context.Context, h *doctor.Hop) error { return w.prove(ctx, h, access) }, needed)
	x.Hop("cache", func(ctx context.Context, h *doctor.Hop) error {
		mode, err := cache.ParseMode(w.identity.cache.Mode)
		if err != nil {
			return err
		}
		return doctor.Cache(ctx, h, cache.Open(cache.Options{Mode: mode, Dir: w.identity.cache.Dir, Lookup: w.process.Lookup, Now: now}))
	})
}

// examineFile says what the file is, and what clients make of it.
func (w *walk) examineFile(_ context.Context, h *doctor.Hop) error {
	if w.file.Path == "" {
		h.Summary = "no external_account file"
		if w.other != "" {
			h.Warn("GOOGLE_APPLICATION_CREDENTIALS names " + w.other + ", which is no external_account file: Google's libraries take that in place of the Azure identity")
		}
		return nil
	}
	h.Summary = w.file.Path
	c := config{process: w.process}
	report, err := externalaccount.Check(w.file.Path, externalaccount.Surroundings{Lookup: w.process.Lookup, Now: w.process.Now, Understand: c.understand})
	if err != nil {
		return err
	}
	for _, f := range report.ForAll() {
		return problem.Input(w.file.Path+": "+f.Field, "%s", f.Message).WithHint("%s", first(f.Hint, "gcp-executable-source config --check "+w.file.Path))
	}
	for _, client := range externalaccount.Clients() {
		for _, f := range report.Own(client) {
			if !report.Unsupported(client) {
				h.Warn(fmt.Sprintf("%s: %s: %s%s", client, f.Field, f.Message, hint(f)))
			}
		}
	}
	for _, f := range report.Notes() {
		h.Notes = append(h.Notes, f.Field+": "+f.Message+hint(f))
		if f.Field == "environment" {
			h.Status = doctor.Warning
		}
	}
	return nil
}

// examineIdentity gets a subject token and shows what it says.
func (w *walk) examineIdentity(ctx context.Context, h *doctor.Hop) (token.Token, error) {
	// Nobody is asked to sign in: an examination has a few seconds, and a person may be reading it later.
	request := pluggable.Request{Audience: w.file.Audience, NonInteractive: true}
	scope, err := w.identity.resolveScope(request)
	if err != nil {
		return token.Token{}, err
	}
	identity, err := w.identity.identity(request, nil)
	if err != nil {
		return token.Token{}, err
	}
	h.Summary = identity.Name() + " for " + scope
	t, err := identity.Token(ctx, scope)
	if err != nil {
		return token.Token{}, entra.Advise(problem.From(err), w.identity.values(scope))
	}
	claims, isJWT := h.Claims(t, w.process.Now())
	if !isJWT {
		h.Warn("it is no JSON Web Token, which Google cannot verify: name an application of your own with --resource")
		return t, nil
	}
	if len(claims.Subject) > sts.MaxSubject {
		h.Warn(fmt.Sprintf("its subject has %d bytes, and google.subject takes %d: map assertion.oid", len(claims.Subject), sts.MaxSubject))
	}
	return t, nil
}

// prove asks Google about the access token.
func (w *walk) prove(ctx context.Context, h *doctor.Hop, access token.Token) error {
	ask := sts.Introspect
	if w.file.ImpersonationURL != "" {
		ask = sts.TokenInfo
	}
	proof, err := ask(ctx, nil, nil, w.file.TokenInfoURL, access.Value)
	switch e := problem.From(err); {
	case e == nil:
		h.Summary = "Google knows it as " + proof.Who
		return nil
	case e.Code == "invalid_client" && w.file.ImpersonationURL == "":
		// Google answers this only to OAuth clients of its own, gcloud for one; that it gave the token is proof enough.
		return doctor.Skip("Google tells only its own clients whose token it is; that it was given is the proof")
	case e.Code == problem.Unreachable || e.Code == problem.DeadlineExceeded:
		return doctor.Uncheckable(err)
	}
	return err
}
