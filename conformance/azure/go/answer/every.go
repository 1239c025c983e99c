package answer

import (
	"fmt"
	"strconv"
	"time"
)

// Every asks ask over and over, for as many seconds and as many seconds apart as the two words say.
func (a *Answer) Every(words []string, ask func() (string, error)) error {
	seconds, err := strconv.Atoi(words[0])
	if err != nil {
		return err
	}
	apart, err := strconv.Atoi(words[1])
	if err != nil {
		return err
	}
	tick := time.NewTicker(time.Duration(apart) * time.Second)
	defer tick.Stop()
	for end := time.Now().Add(time.Duration(seconds) * time.Second); time.Now().Before(end); <-tick.C {
		at := time.Now()
		token, err := ask()
		if err != nil {
			return fmt.Errorf("call %d: %w", len(a.Asked)+1, err)
		}
		a.Asked, a.Tokens = append(a.Asked, at.UnixMilli()), append(a.Tokens, token)
	}
	return nil
}
