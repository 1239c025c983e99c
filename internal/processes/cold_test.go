package processes

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/idferry/idferry/internal/fakecloud"
)

// inPublic takes the place to where Entra ID has its public name.
func (p *place) inPublic(t *testing.T) *fakecloud.Internet {
	t.Helper()
	internet, err := fakecloud.StartInternet(p.Sandbox, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(internet.Close)
	p.env = append(p.env, "HTTPS_PROXY="+internet.URL, "AZURE_AUTHORITY_HOST=https://"+fakecloud.PublicAuthority+"/")
	return internet
}

func TestAColdCallMakesTwoRequestsAtMost(t *testing.T) {
	programs := build(t)
	p := newPlace(t)
	p.inPublic(t)
	if _, err := p.run(t.Context(), programs.helper, inTenant(fakecloud.SandboxTenant)...); err != nil {
		t.Fatal(err)
	}
	var asked []string
	for name, server := range map[string]*fakecloud.Server{"metadata": p.Google.Metadata, "entra": p.Entra.Server, "iam": p.Google.IAM, "imds": p.IMDS.Server} {
		for _, r := range server.Requests() {
			asked = append(asked, name+" "+r.Method)
		}
	}
	if len(asked) != 2 || !strings.Contains(strings.Join(asked, ","), "metadata GET") || !strings.Contains(strings.Join(asked, ","), "entra POST") {
		t.Errorf("asked %q", asked)
	}
	if _, err := p.run(t.Context(), programs.source, ofIdentity("")...); err != nil {
		t.Fatal(err)
	}
	if n := len(p.IMDS.Requests()); n != 1 {
		t.Errorf("a managed identity took %d requests", n)
	}
}

// The metadata server answers nobody here until the connection to Entra ID is there.
func TestEntraIsDialledWhileTheMetadataServerAnswers(t *testing.T) {
	programs := build(t)
	p := newPlace(t)
	p.inPublic(t)
	entra, metadata := p.env[len(p.env)-2], p.Google.MetadataHost()
	dialled := make(chan struct{})
	front := relay(t, strings.TrimPrefix(entra, "HTTPS_PROXY=http://"), func(first bool) {
		if first {
			close(dialled)
		}
	})
	behind := relay(t, metadata, func(bool) { <-dialled })
	p.env = append(p.env, "HTTPS_PROXY=http://"+front, "GCE_METADATA_HOST="+behind)
	out, err := p.run(t.Context(), programs.helper, inTenant(fakecloud.SandboxTenant)...)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := claims(out); err != nil || c.AppID != fakecloud.SandboxApp {
		t.Errorf("%+v %v", c, err)
	}
	if n := count(p.Entra.Server, "/oauth2/v2.0/token"); n != 1 {
		t.Errorf("%d exchanges", n)
	}
}

// relay is a way to address, on which connected is called before anything is carried.
func relay(t *testing.T, address string, connected func(first bool)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for first := true; ; first = false {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer near.Close()
				connected(first)
				far, err := net.Dial("tcp", address)
				if err != nil {
					return
				}
				defer far.Close()
				go func() { _, _ = io.Copy(far, near) }()
				_, _ = io.Copy(near, far)
			}()
		}
	}()
	return listener.Addr().String()
}

// A proxy that is asked for the connection and never makes it is told of within the call's own time.
func TestAnAuthorityThatCannotBeReachedIsNamed(t *testing.T) {
	programs := build(t)
	p := newPlace(t)
	proxy, err := fakecloud.StartProxy(http.StatusProxyAuthRequired)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	p.env = append(p.env, "HTTPS_PROXY="+proxy.URL, "AZURE_AUTHORITY_HOST=https://"+fakecloud.PublicAuthority+"/")
	_, err = p.run(t.Context(), programs.helper, inTenant(fakecloud.SandboxTenant)...)
	if err == nil || !strings.Contains(err.Error(), "the proxy answered 407") || !strings.Contains(err.Error(), fakecloud.PublicAuthority) {
		t.Error(err)
	}
}
