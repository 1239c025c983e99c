package token

import "time"

const (
	// RenewalMargin is how much of a token's life must be left for it to be served without a renewal.
	RenewalMargin = 10 * time.Minute
	// StaleMargin is how much must be left for a token to be served when its renewal failed: client-go, azcore and
	// Google's libraries would not use a token with less for the next request.
	StaleMargin = 2 * time.Minute
	// skewTolerance is how far in the future a token may have been minted: further, and the clock has been set back,
	// so that what is said to be left cannot be believed.
	skewTolerance = 5 * time.Minute
)

// Life is when a token came, when its issuer wants it to be renewed (zero: not said), and when it ends.
type Life struct{ Minted, Refresh, Expires time.Time }

// Life returns the life of a token that is at hand since now.
func (t Token) Life(now time.Time) Life {
	if !t.MintedOn.IsZero() {
		now = t.MintedOn
	}
	return Life{now, t.RefreshOn, t.ExpiresOn}
}

// Left is how much is left, or zero where the clock cannot be believed.
func (l Life) Left(now time.Time) time.Duration {
	if l.Minted.Sub(now) > skewTolerance {
		return 0
	}
	return l.Expires.Sub(now)
}

// Fresh says that the token is to be served as it is: more than ten minutes are left, or half of a short life, and its
// issuer does not want it to be renewed yet.
func (l Life) Fresh(now time.Time) bool {
	margin := RenewalMargin
	if life := l.Expires.Sub(l.Minted); life < 2*RenewalMargin {
		margin = life / 2
	}
	if l.Left(now) <= margin {
		return false
	}
	// A time to renew that had passed when the token came is no news to its issuer, which would only repeat itself.
	return !l.Refresh.After(l.Minted) || now.Before(l.Refresh)
}

// Usable says that the token may be served when its renewal failed.
func (l Life) Usable(now time.Time) bool { return l.Left(now) > StaleMargin }

// PublishedExpiry returns the expiry to print for callers that allow no skew of their own: client-go compares with the
// clock alone, and so does every Google SDK that reads an output file. It is RenewalMargin early, so that a caller that
// comes back then is given a new token, or half of what is left when that is less, never before now.
func (t Token) PublishedExpiry(now time.Time) time.Time {
	left := t.ExpiresOn.Sub(now)
	if left <= 0 {
		return t.ExpiresOn
	}
	return t.ExpiresOn.Add(-min(RenewalMargin, left/2)).Truncate(time.Second)
}
