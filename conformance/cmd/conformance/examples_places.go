package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
)

// places are where an example runs.
type places struct {
	m        *machine
	internet *watchedInternet
	// container is one of Azurite's; laptop is a directory with az, signed in, and a key file.
	container, laptop string
	stop              func()
}

type watchedInternet struct{ *fakecloud.Internet }

// nowhereElse wants no client to have asked for a name that is none of ours.
func (w *watchedInternet) nowhereElse(*machine, answer) error {
	if refused := w.Refused(); len(refused) > 0 {
		return fmt.Errorf("the proxy was asked for %q too", refused)
	}
	return nil
}

func startPlaces(ctx context.Context, shop *workshop, m *machine) (_ *places, err error) {
	p := &places{m: m, laptop: filepath.Join(m.dir, "laptop")}
	internet, err := fakecloud.StartInternet(m.clouds, nil)
	if err != nil {
		return nil, err
	}
	p.internet = &watchedInternet{internet}
	azurite, stopAzurite, err := startAzurite(ctx, shop, m)
	if err != nil {
		internet.Close()
		return nil, err
	}
	p.stop = func() { stopAzurite(); internet.Close() }
	defer func() {
		if err != nil {
			p.stop()
		}
	}()
	data, err := newStateContainer(ctx, m, azurite, "data")
	if err != nil {
		return nil, err
	}
	p.container = data.url
	if _, _, err := data.ask(ctx, http.MethodPut, "/2026/11/report.csv", http.StatusCreated); err != nil {
		return nil, err
	}
	return p, p.furnish(ctx)
}

// furnish gives the laptop what a developer has there.
func (p *places) furnish(ctx context.Context) error {
	key, err := p.m.clouds.Google.NewKeyFile(fakecloud.SandboxAccount)
	if err != nil {
		return err
	}
	token, err := p.personsToken(ctx)
	if err != nil {
		return err
	}
	az := "#!/bin/sh\n[ \"$1 $2\" = \"account get-access-token\" ] && exec cat '" + filepath.Join(p.laptop, "token.json") + "'\nexit 2\n"
	return errors.Join(os.Mkdir(p.laptop, 0o700), os.WriteFile(filepath.Join(p.laptop, "key.json"), key, 0o600),
		os.WriteFile(filepath.Join(p.laptop, "token.json"), token, 0o600), os.WriteFile(filepath.Join(p.laptop, "az"), []byte(az), 0o700))
}

// personsToken is what az prints for Key Vault, of an identity that may read the vault.
func (p *places) personsToken(ctx context.Context) ([]byte, error) {
	at := p.m.clouds.IMDS.URL + "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=" + url.QueryEscape("https://vault.azure.net")
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Metadata", "true")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	var given struct {
		AccessToken string `json:"access_token"`
	}
	body, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, json.Unmarshal(body, &given)); err != nil {
		return nil, err
	}
	ends := time.Now().Add(time.Hour)
	return json.Marshal(map[string]any{
		"accessToken": given.AccessToken, "expiresOn": ends.Format("2006-01-02 15:04:05.000000"), "expires_on": ends.Unix(), "tenant": fakecloud.SandboxTenant, "tokenType": "Bearer",
	})
}
