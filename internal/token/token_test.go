package token

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

const value = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ"

func TestSecretShowsItselfNowhere(t *testing.T) {
	s := NewSecret(value)
	held := Token{Value: s, ExpiresOn: time.Unix(1, 0)}
	var log bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(handler).Info("got", "token", s, "whole", held, "pointer", &held)
	}
	asJSON, err := json.Marshal(map[string]any{"t": held, "s": s, "p": &s, "m": map[string]Secret{"x": s}})
	if err != nil {
		t.Fatal(err)
	}
	seen := log.String() + string(asJSON) + s.String() + errors.New(fmt.Sprint(s)).Error()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%10.3s", "%p"} {
		seen += fmt.Sprintf(verb, s) + fmt.Sprintf(verb, &s) + fmt.Sprintf(verb, held) + fmt.Sprintf(verb, []Secret{s})
	}
	for i := 0; i+12 <= len(value); i++ {
		if strings.Contains(seen, value[i:i+12]) || strings.Contains(seen, fmt.Sprintf("%x", value[i:i+12])) {
			t.Fatalf("12 bytes of the value are visible: %s", seen)
		}
	}
	if s.Reveal() != value || s.Empty() || !NewSecret("").Empty() {
		t.Error("the value itself is lost")
	}
}

func TestFingerprintTellsSecretsApart(t *testing.T) {
	again := Fingerprint("a")
	if Fingerprint("a") == Fingerprint("b") || Fingerprint("a") != again || strings.Contains(Fingerprint("secret"), "secret") {
		t.Error(Fingerprint("a"), Fingerprint("b"))
	}
}

func TestRedactorCleansWhatUpstreamsQuote(t *testing.T) {
	r := NewRedactor()
	for _, text := range []string{
		"unable to parse: " + value,
		`{"access_token":"` + value + `"}`,
		"client_assertion=" + value + "&scope=x",
		"Authorization: Bearer opaqueopaqueopaque",
		"token ya29.canary-canary-canary here",
		`{"client_secret": "Xq8~canarycanarycanary"}`,
		"-----BEGIN PRIVATE KEY-----\ncanarycanary\n-----END PRIVATE KEY-----",
		"-----BEGIN RSA PRIVATE KEY-----\ncanary cut short",
	} {
		if got := r.Clean(text); strings.Contains(got, "canary") || strings.Contains(got, "opaque") || strings.Contains(got, value[:12]) || !strings.Contains(got, "[redacted]") {
			t.Errorf("%q became %q", text, got)
		}
	}
	const plain = "AADSTS700213: No matching federated identity record found for presented assertion subject '115'. issuer https://accounts.google.com"
	if got := r.Clean(plain); got != plain {
		t.Error(got)
	}
}

func jwt(claims string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
}

// The first two are Microsoft's published samples, shortened:
// https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
func TestClaimsOfPublishedTokens(t *testing.T) {
	v1, err := ReadClaims(jwt(`{"aud":"ef1da9d4-ff77-4c3e-a005-840c3f830745","iss":"https://sts.windows.net/fa15d692-e9c7-4460-a743-29f29522229/","iat":1537231048,"nbf":1537231048,"exp":1537234948,"appid":"75dbe77f-10a3-4e59-85fd-8c127544f17c","oid":"690222be-ff1a-4d56-abd1-7e4f7d38e474","tid":"fa15d692-e9c7-4460-a743-29f2956fd429","ver":"1.0"}`))
	if err != nil || v1.AppID != "75dbe77f-10a3-4e59-85fd-8c127544f17c" || v1.Expiry.Unix() != 1537234948 || v1.Version != "1.0" || v1.Audience[0] != "ef1da9d4-ff77-4c3e-a005-840c3f830745" {
		t.Errorf("%+v %v", v1, err)
	}
	v2, err := ReadClaims(jwt(`{"aud":["a","b"],"azp":"6e74172b-be56-4843-9ff4-e66a39bb12e3","exp":1537234948.7,"ver":"2.0","sub":"s"}`))
	if err != nil || v2.AppID != "6e74172b-be56-4843-9ff4-e66a39bb12e3" || len(v2.Audience) != 2 || v2.Expiry.Unix() != 1537234948 || !v2.IssuedAt.IsZero() {
		t.Errorf("%+v %v", v2, err)
	}
}

func TestWhatIsNotAJWT(t *testing.T) {
	for _, text := range []string{"", "ya29.opaque", "a.b", "a.!!!.c", jwt("[]"), jwt("not json"), jwt(`{"exp":"tomorrow"}`), "a.b.c.d.e", "e3\n0.e30.e30", "e30.e3\r0.e30", "e30.e30.e\n30", "e30.e30.e30\n", "\xef\xbb\xbfe30.e30.e30"} {
		if c, err := ReadClaims(text); !errors.Is(err, ErrNotJWT) {
			t.Errorf("%q: %+v %v", text, c, err)
		}
	}
	if c, err := ReadClaims(jwt(`{"aud":null,"sub":null}`)); err != nil || len(c.Audience) != 0 {
		t.Errorf("an audience of null is none: %+v %v", c, err)
	}
	if c, err := ReadClaims(jwt(`{"exp":1e99}`)); err != nil || !c.Expiry.IsZero() {
		t.Errorf("an absurd expiry is none: %+v %v", c, err)
	}
}

func TestPublishedExpiryIsEarlyAndStillAhead(t *testing.T) {
	now := time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)
	for left, want := range map[time.Duration]time.Duration{
		time.Hour: 50 * time.Minute, 24 * time.Hour: 24*time.Hour - 10*time.Minute, 20 * time.Minute: 10 * time.Minute,
		8 * time.Minute: 4 * time.Minute, 2 * time.Minute: time.Minute, -time.Minute: -time.Minute,
	} {
		if got := (Token{ExpiresOn: now.Add(left)}).PublishedExpiry(now).Sub(now); got != want {
			t.Errorf("%s left: published in %s, want %s", left, got, want)
		}
	}
}
