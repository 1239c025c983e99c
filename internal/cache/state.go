package cache

import (
	"context"
	"errors"
)

// State says for people whether tokens would be remembered here, and why not.
type State struct {
	// Dir is the cache directory, which may not exist yet. It is empty where there is none.
	Dir string
	// Reason says why nothing is remembered there, whoever keeps the key. It is empty if something may be.
	Reason string
	// Holders are those that the mode may turn to, in its order.
	Holders []Holder
}

// Holder says of one key holder whether it would be used.
type Holder struct {
	Name string
	// Chosen is set for the holder that a new token's key would come from.
	Chosen bool
	// HasKey is set when it keeps a key already.
	HasKey bool
	// Reason says why it does not work, or why nobody asked it. It is empty for the chosen one.
	Reason string
}

// State asks the holders in the order in which a call would, up to the first that works. It writes nothing and takes
// no longer than a call that remembers a token.
func (c *Cache) State(ctx context.Context) State {
	s := State{Dir: c.dir, Reason: c.unusable}
	if s.Reason != "" {
		return s
	}
	if s.Reason = foreign(c.dir); s.Reason == "" && exists(c.dir) && !writable(c.dir) {
		s.Reason = c.dir + " is read-only"
	}
	chosen := ""
	for _, h := range c.keys.holders {
		state := Holder{Name: h.name()}
		if chosen != "" {
			state.Reason = "not asked, since " + chosen + " works"
			s.Holders = append(s.Holders, state)
			continue
		}
		state.Reason = c.keys.marked(h)
		if state.Reason == "" {
			_, err := h.get(ctx)
			state.HasKey = err == nil
			if err != nil && !errors.Is(err, errNoKey) {
				state.Reason = err.Error()
			}
		}
		if state.Chosen = state.Reason == ""; state.Chosen {
			chosen = state.Name
		}
		s.Holders = append(s.Holders, state)
	}
	return s
}
