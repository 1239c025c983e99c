package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/idferry/idferry/internal/cache"
)

// Cache is the hop that says whether tokens are remembered, and by whom their key is kept. It is never a failure: without
// a cache each call asks the cloud.
func Cache(ctx context.Context, h *Hop, c *cache.Cache) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	state := c.State(ctx)
	h.Add("files in", state.Dir)
	chosen := ""
	for _, holder := range state.Holders {
		switch {
		case holder.Chosen:
			chosen = holder.Name
		case chosen == "":
			h.Add(holder.Name, oneLine(holder.Reason))
		}
	}
	switch {
	case state.Reason != "":
		h.Summary = "nothing is remembered"
		h.Warn("each call asks the cloud: " + oneLine(state.Reason))
	case len(state.Holders) == 0:
		h.Summary = "off"
	case chosen == "":
		h.Summary = "nothing is remembered"
		h.Warn("each call asks the cloud, because nobody keeps the key; --cache file keeps it in a file, where that is safe enough")
	default:
		h.Summary = fmt.Sprintf("%d remembered, the key in: %s", len(c.List()), chosen)
	}
	return nil
}
