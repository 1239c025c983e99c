package tokenfile

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/idferry/idferry/internal/token"
)

const (
	// promised is what no reader should find less than: Azure's libraries read a token file again after up to ten minutes.
	promised = 10 * time.Minute
	// lead is how much of a token's life is left when it is replaced: what is promised, and two minutes for a call that
	// is slow or has to be repeated.
	lead = promised + 2*time.Minute
	// scarce is how much more than that a token has to live: with less it would be asked for all the time.
	scarce = 30 * time.Second
	// look is how often the clock on the wall is looked at. Timers stand still while a machine sleeps, and do not notice
	// a clock that is set.
	look = 30 * time.Second
	// setBack is how far the clock may go back unnoticed. Further, and what it says to be left cannot be believed.
	setBack = 5 * time.Minute
	// shortest is the least time between two renewals, whatever an issuer or a clock says.
	shortest = time.Second
	// firstPause is what is waited after a first failure. It doubles with each further one.
	firstPause = 5 * time.Second
)

// Keeper keeps a file fresh. It is used by one goroutine.
type Keeper struct {
	file   File
	ask    func(context.Context) (token.Token, error)
	now    func() time.Time
	report func(error)

	held     token.Token
	taken    time.Time // when held came
	renewAt  time.Time // when held is to be replaced
	inFile   bool
	failures int // since the last success
}

// NewKeeper returns a Keeper that gets tokens from ask. The first may be one that is remembered; each later one is asked
// for because the one before is to be replaced. report is told of the first of a row of failures, and then by nil that
// it is over; only Keep calls it.
func NewKeeper(file File, ask func(context.Context) (token.Token, error), now func() time.Time, report func(error)) *Keeper {
	return &Keeper{file: file, ask: ask, now: func() time.Time { return now().Round(0) }, report: report}
}

// Renew asks for a token and writes it. The file stays as it is when either fails. It asks nobody when the last token is
// still to be written and need not be replaced.
func (k *Keeper) Renew(ctx context.Context) error {
	var failed error
	if now := k.now(); k.held.Value.Empty() || !now.Before(k.renewAt) || now.Before(k.taken.Add(-setBack)) {
		t, err := k.ask(ctx)
		if err == nil {
			k.take(t)
		}
		failed = err
	}
	if k.inFile || k.held.Value.Empty() {
		return failed
	}
	if err := k.file.Write(k.held); err != nil {
		if failed == nil {
			failed = err
		}
		return failed
	}
	k.inFile = true
	return failed
}

func (k *Keeper) take(t token.Token) {
	now := k.now()
	k.renewAt = now.Add(early(wait(now, k.held, t)))
	k.held, k.taken, k.inFile = t, now, false
}

// wait says for how long t, which came in the place of held, needs no renewal.
func wait(now time.Time, held, t token.Token) time.Duration {
	first := held.Value.Empty()
	left := t.ExpiresOn.Sub(now)
	switch asked := t.RefreshOn.Sub(now); {
	case !first && same(held, t):
		// Its issuer, or a program that remembers for itself, gave it again and will have another one some time.
		return max(firstPause, min(left/2, time.Minute), (left-lead)/4)
	case asked > 0 && asked < left-lead:
		return max(asked, shortest)
	case !first && left-promised > scarce && left < lead+scarce:
		// It lives hardly longer than what no reader should find less than.
		return (left - promised) / 2
	case !first && left < lead+scarce:
		// It lives no longer than this: a first one may only be old.
		return max(left/2, shortest)
	case first:
		// Within a second some issuers sign the same token again, and would look as if they had no other.
		return max(left-lead, 2*time.Second)
	}
	return max(left-lead, shortest)
}

// early shortens d by up to a tenth, so that what was started together does not ask together for ever.
func early(d time.Duration) time.Duration {
	return d - time.Duration(rand.Float64()*float64(d)/10)
}

// ExpiresOn is when the token that was written last ends.
func (k *Keeper) ExpiresOn() time.Time { return k.held.ExpiresOn }

// Keep renews the file until ctx ends. A file that cannot be renewed keeps its token, also past its end: what a client
// hears then, that its token is expired, says more than that a file is missing.
func (k *Keeper) Keep(ctx context.Context) {
	next := k.renewAt
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Reset(min(look, max(0, next.Sub(k.now()))))
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		now := k.now()
		if k.inFile && k.file.missing() {
			k.inFile, next = false, now
		}
		if now.Before(next) && !now.Before(k.taken.Add(-setBack)) {
			continue
		}
		err := k.Renew(ctx)
		if ctx.Err() != nil {
			return
		}
		next = k.after(err)
	}
}

// after notes what came of an attempt and returns when the next is due.
func (k *Keeper) after(err error) time.Time {
	if err == nil {
		if k.failures > 0 {
			k.report(nil)
		}
		k.failures = 0
		return k.renewAt
	}
	if k.failures == 0 {
		k.report(err)
	}
	k.failures++
	now := k.now()
	// Whoever has hours left is in no hurry; whoever has none still does not ask more than once a minute.
	most := min(max(k.held.ExpiresOn.Sub(now)/10, time.Minute), 10*time.Minute)
	return now.Add(early(min(firstPause<<min(k.failures-1, 10), most)))
}
