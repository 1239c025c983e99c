package token

import (
	"testing"
	"time"
)

func TestWhenATokenIsRenewed(t *testing.T) {
	minted := time.Date(2026, 11, 24, 7, 0, 0, 0, time.UTC)
	at := func(d time.Duration) time.Time { return minted.Add(d) }
	for _, c := range []struct {
		name          string
		refresh, ends time.Duration
		age           time.Duration
		fresh, usable bool
	}{
		{"an hour, at once", 0, time.Hour, 0, true, true},
		{"an hour, with more than ten minutes left", 0, time.Hour, 49*time.Minute + 59*time.Second, true, true},
		{"an hour, with ten minutes left", 0, time.Hour, 50 * time.Minute, false, true},
		{"an hour, with two minutes left", 0, time.Hour, 58 * time.Minute, false, false},
		{"ended", 0, time.Hour, 61 * time.Minute, false, false},
		{"a short life, in its first half", 0, 6 * time.Minute, 2 * time.Minute, true, true},
		{"a short life, in its second half", 0, 6 * time.Minute, 3 * time.Minute, false, true},
		{"a day, before its time to renew", 12 * time.Hour, 24 * time.Hour, 11 * time.Hour, true, true},
		{"a day, at its time to renew", 12 * time.Hour, 24 * time.Hour, 12 * time.Hour, false, true},
		{"a time to renew that had passed when it came", -time.Minute, time.Hour, 0, true, true},
		{"the clock has been set back", 0, time.Hour, -6 * time.Minute, false, false},
		{"the clock was a little ahead", 0, time.Hour, -4 * time.Minute, true, true},
	} {
		l := Life{Minted: minted, Expires: at(c.ends)}
		if c.refresh != 0 {
			l.Refresh = at(c.refresh)
		}
		if now := at(c.age); l.Fresh(now) != c.fresh || l.Usable(now) != c.usable {
			t.Errorf("%s: fresh %v, usable %v", c.name, l.Fresh(now), l.Usable(now))
		}
	}
}
