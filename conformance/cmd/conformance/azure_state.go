package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"time"
)

// stateContainer is a container of Azurite.
type stateContainer struct {
	client      *http.Client
	url, bearer string
}

// newStateContainer makes one, with a token that the helper gives us: no backend of Terraform's makes its container.
func newStateContainer(ctx context.Context, m *machine, azurite, name string) (stateContainer, error) {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(m.certPEM)
	s := stateContainer{
		client: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}},
		url:    azurite + "/" + azuriteAccount + "/" + name,
	}
	helper := (&workshop{}).command(ctx, m.dir, filepath.Join(m.programs, "azure-token-helper"), "get-token", "-o", "header", "--resource", storage)
	helper.Env = m.environment("opentofu", m.clouds, nil)
	header, err := helper.Output()
	if err != nil {
		return s, err
	}
	s.bearer = strings.TrimSpace(strings.TrimPrefix(string(header), "Authorization: "))
	_, _, err = s.ask(ctx, http.MethodPut, "?restype=container", http.StatusCreated)
	return s, err
}

// ask returns the headers and the body of an answer with the wanted status.
func (s stateContainer) ask(ctx context.Context, method, what string, want int) (http.Header, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, method, s.url+what, nil)
	if err != nil {
		return nil, nil, err
	}
	r.Header.Set("Authorization", s.bearer)
	r.Header.Set("x-ms-version", "2021-12-02")
	r.Header.Set("x-ms-blob-type", "BlockBlob")
	resp, err := s.client.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != want {
		err = fmt.Errorf("%s %s: %s\n%s", method, what, resp.Status, body)
	}
	return resp.Header, body, err
}

// holds wants a state in which the command lasted so long, and whose lock has been given back.
func (s stateContainer) holds(ctx context.Context, lasted time.Duration) func(*machine, answer) error {
	return func(*machine, answer) error {
		header, body, err := s.ask(ctx, http.MethodGet, "/prod.tfstate", http.StatusOK)
		if err != nil {
			return err
		}
		var state struct {
			Outputs   map[string]struct{ Value string }
			Resources []struct{ Type string }
		}
		if err := json.Unmarshal(body, &state); err != nil {
			return fmt.Errorf("the state: %w", err)
		}
		if want := fmt.Sprintf("%.0f seconds", lasted.Seconds()); state.Outputs["lasted"].Value != want || len(state.Resources) != 1 || state.Resources[0].Type != "terraform_data" {
			return fmt.Errorf("the state in Azurite is another one: %s", body)
		}
		if lease := header.Get("x-ms-lease-state"); lease != "available" {
			return fmt.Errorf("the state's lease is %s", lease)
		}
		return nil
	}
}
