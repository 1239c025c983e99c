package cache

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/idferry/idferry/internal/fuzzing"
	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// Whatever is sealed comes back, for the request that it was sealed for and for no other; and not at all once a bit of it is
// another one, in the clear header or in what is sealed.
func FuzzSealedFile(f *testing.F) {
	f.Add("tenant", "another", "file", "a token for x", int64(1_795_420_200_000), int64(0), fuzzing.Token, uint(0), byte(1), "")
	f.Add("", "", "keyring", strings.Repeat("ä", 400), int64(-1), int64(1)<<62, "t", uint(77), byte(0x80), "x")
	f.Add("\x00\x00\x00\x01a", "\x00", "kernel", "\xff\x1b[2J", int64(0), int64(5), strings.Repeat("t", 5000), uint(4000), byte(0xff), magic)
	f.Fuzz(func(t *testing.T, input, another, holder, description string, expires, refresh int64, value string, at uint, flip byte, more string) {
		if len(holder) > 255 || value == "" {
			t.Skip("no holder has such a name, and no token is empty")
		}
		key := cacheKey{1}
		mine, theirs := wantedBy(request(input)), wantedBy(request(another))
		if bytes.Equal(mine, theirs) != (input == another) {
			t.Fatal("two requests are told apart by nothing")
		}
		h := header{holder: holder, minted: noon, expires: fromMillis(expires), refresh: fromMillis(refresh), description: description}
		raw, err := seal(key, h, mine, token.NewSecret(value))
		if err != nil {
			t.Fatal(err)
		}
		got, size, err := parseHeader(raw)
		if err != nil || got.holder != holder || !got.expires.Equal(h.expires) || !got.refresh.Equal(h.refresh) || !got.minted.Equal(noon) || got.keyID != key.id() {
			t.Fatalf("%+v %v, want %+v", got, err, h)
		}
		if len(got.description) > maxDescription || utf8.ValidString(description) && !strings.HasPrefix(description, got.description) {
			t.Errorf("described as %q", got.description)
		}
		if opened, err := unseal(key, raw, size, mine); err != nil || opened.Reveal() != value {
			t.Fatalf("%v", err)
		}
		refused := func(what string, key cacheKey, raw []byte, w wanted) {
			t.Helper()
			_, size, err := parseHeader(raw)
			if err != nil {
				return
			}
			if opened, err := unseal(key, raw, size, w); err == nil {
				t.Fatalf("%s opens: %q", what, opened.Reveal())
			}
		}
		if input != another {
			refused("another request's entry", key, raw, theirs)
		}
		refused("another key's entry", cacheKey{2}, raw, mine)
		refused("an entry that goes on", key, append(bytes.Clone(raw), more+"x"...), mine)
		place := int(at % uint(len(raw)))
		refused("an entry that breaks off", key, raw[:place], mine)
		if flip != 0 {
			altered := bytes.Clone(raw)
			altered[place] ^= flip
			refused("an altered entry", key, altered, mine)
		}
	})
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// Whatever lies in the cache's directory under the names that a call reads, its own writer's or not, the call gets its token,
// and the next one gets the same; what is told of a failure is what its file says, for its five seconds.
func FuzzWhatLiesInTheDirectory(f *testing.F) {
	key := cacheKey{1}
	entry, err := seal(key, header{holder: "file", minted: noon, expires: noon.Add(time.Hour), description: "x"}, wantedBy(request("x")), token.NewSecret(fuzzing.Token))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(entry, []byte(key.text()), []byte(nil), []byte(nil))
	f.Add(entry[:len(entry)-1], []byte(key.text()+"\n"), []byte(`{"code":"c","message":"m","hint":"h","until":"2026-11-23T12:00:04Z"}`), []byte(`{"holder":"file","reason":"r","until":"2026-11-23T12:04:00Z"}`))
	f.Add([]byte(magic), []byte("A"), []byte(`{"unkept":true,"until":"2026-11-23T12:00:04Z"}`), []byte(`{"holder":"file","reason":"r","until":"9999-12-31T23:59:59Z"}`))
	f.Add([]byte("{}"), []byte{0, 0xff}, []byte(`[]`), []byte(`{`))
	judge := fuzzing.NewJudge()
	f.Fuzz(func(t *testing.T, entry, key, failed, down []byte) {
		dir := privateDir(t)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		r := request("x")
		id := wantedBy(r).id()
		for name, content := range map[string][]byte{id.entryName(): entry, keyFile: key, id.failureName(): failed, markerName(fileHolder{}): down} {
			if content == nil {
				continue
			}
			if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		clock := newClock()
		c := open(t, dir, clock)
		for _, e := range c.List() {
			if e.ID != id.String() {
				t.Errorf("listed as %q", e.ID)
			}
		}
		i := &issuer{clock: clock, life: time.Hour}
		first, out, err := c.Token(t.Context(), r, i.mint)
		if err != nil {
			// A failure of the last seconds, as its file tells it.
			if i.minted.Load() != 0 {
				t.Fatalf("%v after %d", err, i.minted.Load())
			}
			judge.Shown(t, problem.From(err).Sentence())
			clock.advance(failureMemory)
			if first, out, err = c.Token(t.Context(), r, i.mint); err != nil {
				t.Fatal(err)
			}
		}
		judge.Shown(t, out.Reason)
		second, _, err := open(t, dir, clock).Token(t.Context(), r, i.mint)
		if err != nil || first.Value.Empty() || i.minted.Load() > 2 || second.Value.Empty() {
			t.Fatalf("%v, asked %d times", err, i.minted.Load())
		}
		if len(down) == 0 && second.Value.Reveal() != first.Value.Reveal() {
			t.Errorf("not remembered: %s", out.Reason)
		}
		// Nothing that lies there keeps a holder from being asked for longer than a failure of its own would.
		clock.advance(markerMemory)
		third, out, err := open(t, dir, clock).Token(t.Context(), r, i.mint)
		if err != nil {
			t.Fatal(err)
		}
		if fourth, _, err := open(t, dir, clock).Token(t.Context(), r, i.mint); err != nil || fourth.Value.Reveal() != third.Value.Reveal() {
			t.Errorf("not remembered after a while: %v %s", err, out.Reason)
		}
		for _, e := range c.List() {
			judge.Shown(t, e.Description)
		}
	})
}

// What a holder gives back is a key in the one form that is written, or no key.
func FuzzWhatAHolderKeeps(f *testing.F) {
	f.Add(cacheKey{1}.text())
	for _, text := range []string{"", " \n", "AAAA", strings.Repeat("A", 43), strings.Repeat("A", 43) + "=", strings.Repeat("A", 42) + "\n=", strings.Repeat("A", 43) + "=\n", strings.Repeat("\x00", 44), strings.Repeat("-_", 21) + "A="} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		key, err := parseKey(text)
		if err != nil {
			if key != (cacheKey{}) {
				t.Error("a key beside an error")
			}
			return
		}
		if again, err := parseKey(key.text()); err != nil || again != key {
			t.Errorf("%v", err)
		}
	})
}
