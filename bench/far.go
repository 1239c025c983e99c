package main

import (
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
)

// far is a place whose clouds are some round-trip time away. Entra ID and Google's services have their public names, which
// are reached through a proxy: known clouds are not asked what they are.
type far struct {
	*place
	internet  *fakecloud.Internet
	roundTrip time.Duration
	ways      map[string]*fakecloud.Distance
	env       []string
	caches    int
}

func newFar(p *place, roundTrip time.Duration) (*far, error) {
	internet, err := fakecloud.StartInternet(p.clouds, nil)
	if err != nil {
		return nil, err
	}
	internet.Away(roundTrip)
	f := &far{place: p, internet: internet, roundTrip: roundTrip, ways: map[string]*fakecloud.Distance{}}
	f.env = append(append([]string{}, p.env...), "HTTPS_PROXY="+internet.URL, "AZURE_AUTHORITY_HOST=https://"+fakecloud.PublicAuthority+"/")
	for name, to := range map[string]string{"GCE_METADATA_HOST": p.clouds.Google.Metadata.URL, "AZURE_POD_IDENTITY_AUTHORITY_HOST": p.clouds.IMDS.URL} {
		at, err := f.to(to)
		if err != nil {
			f.Close()
			return nil, err
		}
		if name == "GCE_METADATA_HOST" {
			at = strings.TrimPrefix(at, "http://")
		}
		f.env = append(f.env, name+"="+at)
	}
	return f, nil
}

// to is the URL by which one on this machine is reached from far away.
func (f *far) to(link string) (string, error) {
	u, err := url.Parse(link)
	if err != nil {
		return "", err
	}
	if f.ways[u.Host] == nil {
		if f.ways[u.Host], err = fakecloud.StartDistance(u.Host, f.roundTrip); err != nil {
			return "", err
		}
	}
	u.Host = f.ways[u.Host].Address
	return u.String(), nil
}

// emptyCache is the flag of a cache directory that nobody has used.
func (f *far) emptyCache() []string {
	f.caches++
	return []string{"--cache-dir", filepath.Join(f.dir, "empty", f.roundTrip.String(), strconv.Itoa(f.caches))}
}

func (f *far) Close() {
	for _, d := range f.ways {
		d.Close()
	}
	f.internet.Close()
}
