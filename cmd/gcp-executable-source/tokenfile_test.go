package main

import (
	"context"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/idferry/idferry/internal/cli"
	"github.com/idferry/idferry/internal/fakecloud"
	"github.com/idferry/idferry/internal/token"
)

// What Azure's libraries remember in a process, they give out until five minutes are left. A file that is renewed earlier
// needs another one.
func TestNoReaderFindsLessThanTenMinutesOfAnAzureToken(t *testing.T) {
	// A renewal is one request, or two with the chain's probe.
	for credential, requests := range map[string]int{"managed-identity": 1, "default": 2} {
		t.Run(credential, func(t *testing.T) {
			// The clouds are outside of the bubble, and their clock is the bubble's, as of the last request.
			var clock atomic.Pointer[time.Time]
			start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
			clock.Store(&start)
			clouds, err := fakecloud.StartSandbox(func() time.Time { return *clock.Load() })
			if err != nil {
				t.Fatal(err)
			}
			defer clouds.Close()
			// A connection that is kept would keep time from passing in the bubble.
			hangUp := func(to string) string {
				target, err := url.Parse(to)
				if err != nil {
					t.Fatal(err)
				}
				server := httptest.NewUnstartedServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }})
				server.Config.SetKeepAlivesEnabled(false)
				server.Start()
				t.Cleanup(server.Close)
				return server.URL
			}
			environment := map[string]string{"AZURE_POD_IDENTITY_AUTHORITY_HOST": hangUp(clouds.IMDS.URL), "IDFERRY_CREDENTIAL": credential, "IDFERRY_CACHE": "off"}
			// Package signal starts its goroutine at the first use, which may not be in the bubble.
			_, release := signal.NotifyContext(t.Context(), os.Interrupt)
			defer release()
			synctest.Test(t, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "token")
				p := cli.Process{Name: "gcp-executable-source", Args: []string{"token-file", "--path", path, "--resource", fakecloud.SandboxResource}, Now: time.Now, Stdout: t.Output(), Stderr: t.Output(), Lookup: func(name string) (string, bool) {
					now := time.Now()
					clock.Store(&now)
					value, ok := environment[name]
					return value, ok
				}}
				ctx, stop := context.WithCancel(t.Context())
				ended := make(chan int)
				go func() { ended <- run(ctx, p) }()
				defer func() {
					stop()
					if code := <-ended; code != 0 {
						t.Errorf("exit code %d", code)
					}
				}()
				time.Sleep(time.Second)
				least := time.Hour
				for range 12 * 60 {
					time.Sleep(time.Minute)
					synctest.Wait()
					held, err := os.ReadFile(path)
					if err != nil {
						t.Fatal(err)
					}
					claims, err := token.ReadClaims(string(held))
					if err != nil {
						t.Fatal(err)
					}
					least = min(least, time.Until(claims.Expiry))
				}
				if least < 10*time.Minute {
					t.Errorf("a reader found %s", least)
				}
				if asked := len(clouds.IMDS.Requests()); asked < 10 || asked > 14*requests {
					t.Errorf("the endpoint was asked %d times in twelve hours", asked)
				}
			})
		})
	}
}
