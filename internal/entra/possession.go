package entra

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// Possession is a key to which Entra ID binds access tokens, so that one is of use only to who can sign with the key.
// Clusters connected to Azure Arc ask for that in place of bearer tokens. The formats are those of kubelogin's
// pkg/internal/pop and of what verifies them there (kubeguard/guard, auth/providers/azure/pop_tokenverifier.go).
type Possession struct {
	key *rsa.PrivateKey
}

// ProofLife is how long a proof may be used: guard takes one for 15 minutes from when it was signed, by its own clock.
const ProofLife = 10 * time.Minute

// NewPossession makes a key, which takes a tenth of a second.
func NewPossession() (*Possession, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	return &Possession{key}, err
}

// jwk is the public key; kid is its thumbprint (RFC 7638).
func (p *Possession) jwk() (jwk map[string]string, kid string) {
	e := base64.RawURLEncoding.EncodeToString(big.NewInt(int64(p.key.E)).Bytes())
	n := base64.RawURLEncoding.EncodeToString(p.key.N.Bytes())
	sum := sha256.Sum256([]byte(`{"e":"` + e + `","kty":"RSA","n":"` + n + `"}`))
	kid = base64.RawURLEncoding.EncodeToString(sum[:])
	return map[string]string{"kty": "RSA", "alg": "RS256", "e": e, "n": n, "kid": kid}, kid
}

// bound is MSAL's view of a Possession. MSAL is given the access token as it is: a proof is signed anew for each call.
type bound struct{ *Possession }

// TokenRequestParams implements MSAL's AuthenticationScheme.
func (b bound) TokenRequestParams() map[string]string {
	_, kid := b.jwk()
	confirmation, _ := json.Marshal(map[string]string{"kid": kid, "xms_ksl": "sw"})
	return map[string]string{"token_type": "pop", "req_cnf": base64.RawURLEncoding.EncodeToString(confirmation)}
}

// KeyID implements MSAL's AuthenticationScheme.
func (b bound) KeyID() string {
	_, kid := b.jwk()
	return kid
}

// FormatAccessToken implements MSAL's AuthenticationScheme.
func (b bound) FormatAccessToken(accessToken string) (string, error) { return accessToken, nil }

// AccessTokenType implements MSAL's AuthenticationScheme.
func (b bound) AccessTokenType() string { return "pop" }

// kept is a bound access token with its key, as the cache keeps the two.
type kept struct {
	AccessToken string `json:"at"`
	Key         []byte `json:"key"` // PKCS #8
}

// Keep returns the access token and the key as one secret.
func (p *Possession) Keep(accessToken token.Secret) (token.Secret, error) {
	key, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		return token.Secret{}, err
	}
	both, err := json.Marshal(kept{accessToken.Reveal(), key})
	return token.NewSecret(string(both)), err
}

func readKept(secret token.Secret) (accessToken string, p *Possession, err error) {
	var k kept
	if err := json.Unmarshal([]byte(secret.Reveal()), &k); err != nil {
		return "", nil, errors.New("it is not a bound token with its key")
	}
	key, err := x509.ParsePKCS8PrivateKey(k.Key)
	if err != nil {
		return "", nil, errors.New("the key of the bound token cannot be read")
	}
	private, ok := key.(*rsa.PrivateKey)
	if !ok || k.AccessToken == "" {
		return "", nil, errors.New("it is not a bound token with its key")
	}
	return k.AccessToken, &Possession{private}, nil
}

// BoundBelongs is Belongs for what Keep returned.
func BoundBelongs(tenantID, clientID string) func(token.Secret) error {
	check := Belongs(tenantID, clientID)
	return func(secret token.Secret) error {
		accessToken, _, err := readKept(secret)
		if err != nil {
			return err
		}
		return check(token.NewSecret(accessToken))
	}
}

// Prove signs a proof of possession for host, the Azure resource id of the cluster, out of what Keep returned. It may be
// used for ProofLife.
func Prove(secret token.Secret, host string, now time.Time) (token.Secret, error) {
	accessToken, p, err := readKept(secret)
	if err != nil {
		return token.Secret{}, problem.New(problem.Unexpected, "sign a proof of possession: %w", err)
	}
	jwk, kid := p.jwk()
	proof := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
		"at": accessToken, "ts": now.Unix(), "u": host, "cnf": map[string]any{"jwk": jwk}, "nonce": strings.ToLower(rand.Text()),
	})
	proof.Header["typ"], proof.Header["kid"] = "pop", kid
	signed, err := proof.SignedString(p.key)
	if err != nil {
		return token.Secret{}, problem.New(problem.Unexpected, "sign a proof of possession: %w", err)
	}
	return token.NewSecret(signed), nil
}
