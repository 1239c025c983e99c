package cli

import (
	"context"
	"log/slog"
	"time"

	"github.com/idferry/idferry/internal/cache"
	"github.com/idferry/idferry/internal/token"
)

// Call is one call for a token: out of the cache, or else minted and remembered.
type Call struct {
	Cache *cache.Cache
	token.Wanted
	// Limit is the call's own deadline.
	Limit time.Duration
	// Log receives one line about what came of it, with Attributes; it may be nil.
	Log        *slog.Logger
	Attributes []any
}

// Token returns the token. A remembered one is returned before anything is set up to wait for one: deadline and signals
// cost more than reading it.
func (c Call) Token(ctx context.Context) (token.Token, error) {
	start := time.Now()
	t, hit := c.Cache.Remembered(ctx, c.Request)
	outcome := cache.Outcome{Hit: hit}
	if !hit {
		type answer struct {
			token   token.Token
			outcome cache.Outcome
		}
		a, err := Bounded(ctx, c.Limit, c.What, func(ctx context.Context) (answer, error) {
			t, outcome, err := c.Cache.Token(ctx, c.Request, c.Mint)
			return answer{t, outcome}, err
		})
		if err != nil {
			c.log("failed", "error", err, "took", time.Since(start))
			return token.Token{}, err
		}
		t, outcome = a.token, a.outcome
	}
	c.log("token", append(c.Attributes, "expires", t.ExpiresOn,
		"cached", outcome.Hit, "stale", outcome.Stale, "cache", outcome.Reason, "took", time.Since(start))...)
	return t, nil
}

func (c Call) log(message string, attributes ...any) {
	if c.Log != nil {
		c.Log.Info(message, attributes...)
	}
}
