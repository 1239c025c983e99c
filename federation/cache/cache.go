// Package cache keeps the tokens of package federation from one process to the next: sealed in files of the user, with a
// key in the keyring of the operating system, shared with azure-token-helper and gcp-executable-source. It is a package of
// its own so that a program that does not import it links neither a keyring nor what speaks to one.
package cache

import (
	"context"
	"log/slog"
	"os"
	"strings"

	"github.com/idferry/idferry/federation"
	"github.com/idferry/idferry/internal/cache"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// Options are what [Open] can be told. The zero value is usable.
type Options struct {
	// Mode says who holds the key: "auto", "keyring", "kernel" (Linux), "file" or "off" (IDFERRY_CACHE). The default, "auto",
	// takes the kernel's keyring and then the Secret Service on Linux, the Keychain on macOS and the Credential Manager on
	// Windows.
	Mode string
	// Dir is the directory of the sealed tokens, an absolute path (IDFERRY_CACHE_DIR). The default is idferry in the user's
	// cache directory.
	Dir string
	// Logger receives debug lines, which hold no token. The default is none.
	Logger *slog.Logger
}

// Open returns the cache. It fails where Mode is none of those, and else never: a cache that can keep nothing leaves every
// credential as it would be without one. It asks no keyring and makes no directory yet. options may be nil.
func Open(options *Options) (federation.Cache, error) {
	if options == nil {
		options = &Options{}
	}
	setting := func(value, variable string) string {
		if value == "" {
			value = os.Getenv(variable)
		}
		return value
	}
	mode, err := cache.ParseMode(setting(options.Mode, "IDFERRY_CACHE"))
	if err != nil {
		return federation.Cache{}, &federation.Error{Code: problem.BadInput, Message: "Mode: " + strings.Join(cache.Modes(), ", ") + " are known, and no other", Remedy: "leave it empty for auto"}
	}
	sealed := cache.Open(cache.Options{Mode: mode, Dir: setting(options.Dir, "IDFERRY_CACHE_DIR"), Lookup: os.LookupEnv, Log: options.Logger})
	return token.NewStore(func(ctx context.Context, r token.Request, mint func(context.Context) (token.Token, error)) (token.Token, error) {
		t, _, err := sealed.Token(ctx, r, mint)
		return t, err
	}), nil
}
