package token

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is a value that must not be seen. Every verb of fmt, slog, and JSON and text encoding print it as
// [redacted]; Reveal is the one way to read it, and a test lists who calls that.
type Secret struct {
	// A pointer, because fmt prints the fields of a value by reflection where a verb never reaches Format (%p does),
	// and shows a nested pointer as an address.
	value *string
}

// NewSecret keeps value as a Secret.
func NewSecret(value string) Secret { return Secret{&value} }

// Reveal returns the value. Call it only where the value leaves for its audience: a contract's output, a request
// to the issuer, the sealed cache.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Empty reports whether there is no value.
func (s Secret) Empty() bool { return s.Reveal() == "" }

// Format implements fmt.Formatter, so that no verb (%#v and %x included) shows the value.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// String returns [redacted].
func (s Secret) String() string { return redacted }

// MarshalText returns [redacted]; encoding/json uses it too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// Fingerprint returns a short hash of a secret, fit to be an Input: it changes with the secret and does not show it.
func Fingerprint(secret string) string {
	sum := sha256.Sum256([]byte("idferry fingerprint\x00" + secret))
	return hex.EncodeToString(sum[:16])
}
