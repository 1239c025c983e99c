package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/idferry/idferry/internal/cache"
	"github.com/idferry/idferry/internal/problem"
)

// CacheSettings are the flags that choose the cache, the same for every verb that uses it.
type CacheSettings struct{ Mode, Dir string }

// Bind adds the flags.
func (c *CacheSettings) Bind(b *Settings) {
	b.String(&c.Mode, "cache", "", "auto", "where the cache's key is kept: auto, keyring, kernel, file or off", "IDFERRY_CACHE")
	b.String(&c.Dir, "cache-dir", "", "", "directory of the cache's files (default: idferry in the user's cache directory)", "IDFERRY_CACHE_DIR")
}

// CacheCommand is the verb `cache` with list and clear. Both binaries have the same, over the same files.
func CacheCommand(p Process) *cobra.Command {
	group := &cobra.Command{Use: "cache", Short: "Show or remove the remembered tokens",
		Long:    "Show or remove the tokens that gcp-executable-source and azure-token-helper remember, both in the same place.",
		Example: fmt.Sprintf("  %[1]s cache list\n  %[1]s cache clear --expired", p.Name),
		Args:    cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
			return problem.Input("command line", "%s needs a verb: list, clear", cmd.CommandPath()).WithHint("%s list", cmd.CommandPath())
		}}
	group.AddCommand(cacheList(p), cacheClear(p))
	return group
}

// cacheVerb is a verb over the cache that the flags choose.
func cacheVerb(p Process, cmd *cobra.Command, run func(ctx context.Context, c *cache.Cache, args []string) error) *cobra.Command {
	var chosen CacheSettings
	cmd.Flags().SortFlags = false
	settings := NewSettings(cmd.Flags(), p.Lookup)
	chosen.Bind(settings)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := settings.Resolve(); err != nil {
			return err
		}
		mode, err := cache.ParseMode(chosen.Mode)
		if err != nil {
			return err
		}
		return run(cmd.Context(), cache.Open(cache.Options{Mode: mode, Dir: chosen.Dir, Lookup: p.Lookup, Now: p.Now}), args)
	}
	return cmd
}

func cacheList(p Process) *cobra.Command {
	var asJSON bool
	cmd := cacheVerb(p, &cobra.Command{
		Use: "list", Short: "Show what is remembered, for whom, until when, and who keeps the key; never a token",
		Example: fmt.Sprintf("  %[1]s cache list\n  %[1]s cache list --json", p.Name), Args: cobra.NoArgs,
	}, func(ctx context.Context, c *cache.Cache, _ []string) error {
		state, entries := c.State(ctx), c.List()
		if asJSON {
			return listJSON(p, state, entries)
		}
		listText(p, state, entries)
		return nil
	})
	cmd.Flags().BoolVar(&asJSON, "json", false, "as a JSON object")
	return cmd
}

func listText(p Process, state cache.State, entries []cache.Entry) {
	now := p.Now()
	if len(entries) > 0 {
		table := tabwriter.NewWriter(p.Stdout, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(table, "ID\tTOKEN\tEXPIRES\tLEFT\tKEY IN")
		for _, e := range entries {
			left := "expired"
			if d := e.ExpiresOn.Sub(now); d > 0 {
				left = d.Truncate(time.Second).String()
			}
			_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", e.ID[:min(8, len(e.ID))], OneLine(e.Description), e.ExpiresOn.Format(time.RFC3339), left, OneLine(e.Holder))
		}
		_ = table.Flush()
		_, _ = fmt.Fprintln(p.Stdout)
	}
	if state.Dir != "" {
		_, _ = fmt.Fprintf(p.Stdout, "%d remembered in %s\n", len(entries), state.Dir)
	}
	if state.Reason != "" {
		_, _ = fmt.Fprintf(p.Stdout, "nothing is remembered: %s\n", state.Reason)
	}
	for _, h := range state.Holders {
		switch {
		case h.Chosen && h.HasKey:
			_, _ = fmt.Fprintf(p.Stdout, "%s: keeps the key\n", h.Name)
		case h.Chosen:
			_, _ = fmt.Fprintf(p.Stdout, "%s: will keep the key; there is none yet\n", h.Name)
		default:
			_, _ = fmt.Fprintf(p.Stdout, "%s: %s\n", h.Name, OneLine(h.Reason))
		}
	}
}

func listJSON(p Process, state cache.State, entries []cache.Entry) error {
	type holder struct {
		Name   string `json:"name"`
		Chosen bool   `json:"chosen"`
		HasKey bool   `json:"hasKey"`
		Reason string `json:"reason,omitempty"`
	}
	type remembered struct {
		ID          string     `json:"id"`
		Description string     `json:"description"`
		Holder      string     `json:"holder"`
		MintedOn    time.Time  `json:"mintedOn"`
		RefreshOn   *time.Time `json:"refreshOn,omitempty"`
		ExpiresOn   time.Time  `json:"expiresOn"`
		Expired     bool       `json:"expired"`
	}
	document := struct {
		Directory string       `json:"directory"`
		Reason    string       `json:"reason,omitempty"`
		Holders   []holder     `json:"holders"`
		Tokens    []remembered `json:"tokens"`
	}{state.Dir, state.Reason, []holder{}, []remembered{}}
	for _, h := range state.Holders {
		document.Holders = append(document.Holders, holder(h))
	}
	for _, e := range entries {
		r := remembered{ID: e.ID, Description: e.Description, Holder: e.Holder, MintedOn: e.Minted, ExpiresOn: e.ExpiresOn, Expired: !e.ExpiresOn.After(p.Now())}
		if !e.RefreshOn.IsZero() {
			r.RefreshOn = &e.RefreshOn
		}
		document.Tokens = append(document.Tokens, r)
	}
	return WriteJSON(p.Stdout, document)
}

func cacheClear(p Process) *cobra.Command {
	var s cache.Selection
	cmd := cacheVerb(p, &cobra.Command{
		Use: "clear [TEXT]", Short: "Remove remembered tokens",
		Long: "Remove the remembered tokens, or those whose description holds TEXT or whose ID begins with it\n(see cache list). The next call asks upstream again.",
		Example: fmt.Sprintf("  %[1]s cache clear\n  %[1]s cache clear storage.azure.com\n  %[1]s cache clear --expired\n  %[1]s cache clear --all",
			p.Name),
		Args: cobra.MaximumNArgs(1),
	}, func(ctx context.Context, c *cache.Cache, args []string) error {
		if len(args) == 1 {
			s.Match = args[0]
		}
		if s.Keys && (s.Expired || s.Match != "") {
			return problem.Input("--all", "it removes everything, so it goes with neither --expired nor a text").
				WithHint("leave --all out to remove only what is selected")
		}
		dir, reason := c.Dir()
		if reason != "" {
			return problem.New(problem.BadInput, "clear the cache: %s", reason).WithHint("name the directory with --cache-dir, or see %s cache list", p.Name)
		}
		removed, err := c.Clear(ctx, s)
		if err != nil {
			return err
		}
		for _, e := range removed {
			_, _ = fmt.Fprintf(p.Stdout, "removed %s %s\n", e.ID[:min(8, len(e.ID))], OneLine(e.Description))
		}
		_, _ = fmt.Fprintf(p.Stdout, "%d removed from %s\n", len(removed), dir)
		return nil
	})
	cmd.Flags().BoolVar(&s.Keys, "all", false, "the keys too, in every keyring that --cache may turn to, so that copies of the files are of no use either")
	cmd.Flags().BoolVar(&s.Expired, "expired", false, "only tokens that have expired")
	return cmd
}

// WriteJSON writes v indented, as every --json does.
func WriteJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
