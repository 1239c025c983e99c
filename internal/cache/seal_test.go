package cache

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/token"
)

// sealContent seals any content under the name of w, as a fault in naming files would.
func sealContent(t *testing.T, k cacheKey, h header, w wanted, content []byte) []byte {
	t.Helper()
	gcm, err := aead(k)
	if err != nil {
		t.Fatal(err)
	}
	h.keyID = k.id()
	head := h.encode()
	return gcm.Seal(head, nil, content, additional(head, w))
}

func TestWhatIsSealedAnswersTheRequestOrNothing(t *testing.T) {
	k, h := cacheKey{1}, header{holder: "file", minted: noon, expires: noon.Add(time.Hour)}
	mine, other := wantedBy(request("mine")), wantedBy(request("other"))
	size := len(h.encode())
	content := func(w wanted, value string) []byte {
		return append(append(binary.BigEndian.AppendUint32(nil, uint32(len(w))), w...), value...)
	}
	for _, tt := range []struct {
		name    string
		content []byte
		err     error
	}{
		{"its own answer", content(mine, "t"), nil},
		{"another's answer under its name", content(other, "t"), errAnother},
		{"no token", content(mine, ""), errDamaged},
		{"a length beyond the end", binary.BigEndian.AppendUint32(nil, 1<<32-1), errDamaged},
		{"less than a length", []byte{0, 0}, errDamaged},
		{"nothing", nil, errDamaged},
	} {
		value, err := unseal(k, sealContent(t, k, h, mine, tt.content), size, mine)
		if !errors.Is(err, tt.err) || err == nil && value.Reveal() != "t" || err != nil && !value.Empty() {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	raw, err := seal(k, h, mine, token.NewSecret("t"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unseal(k, raw, size, other); !errors.Is(err, errDamaged) {
		t.Errorf("a file of another name opened: %v", err)
	}
}

func TestATokenThatIsNotTheOneAskedForIsNeverGivenOut(t *testing.T) {
	clock := newClock()
	dir := privateDir(t)
	i := &issuer{clock: clock, life: time.Hour}
	want(t, open(t, dir, clock), request("x"), i, "a")
	strict := request("x")
	strict.Check = func(value token.Secret) error {
		if value.Reveal() == "a" {
			return errors.New("the token is of the tenant T")
		}
		return nil
	}
	if out := want(t, open(t, dir, clock), strict, i, "b"); out.Hit || !strings.Contains(out.Reason, "of the tenant T") {
		t.Errorf("outcome %+v", out)
	}
	want(t, open(t, dir, clock), strict, i, "b")

	// One that the issuer gives all the same is the caller's, and not remembered.
	wrong := &issuer{clock: clock, life: time.Hour}
	strict.Inputs = request("y").Inputs
	if out := want(t, open(t, dir, clock), strict, wrong, "a"); out.Hit || !strings.Contains(out.Reason, "of the tenant T") {
		t.Errorf("outcome %+v", out)
	}
	if exists(entryPath(dir, strict)) {
		t.Error("it was remembered")
	}
	// Nor is it served when its renewal fails.
	clock.advance(55 * time.Minute)
	strict.Inputs = request("x").Inputs
	i.fail = errUpstream
	want(t, open(t, dir, clock), strict, i, "b")
	strict.Check = func(token.Secret) error { return errors.New("no") }
	clock.advance(failureMemory)
	if _, _, err := open(t, dir, clock).Token(t.Context(), strict, i.mint); !errors.Is(err, errUpstream) {
		t.Errorf("got %v", err)
	}
}

func TestTheRequestIsSealedAndNotInTheClear(t *testing.T) {
	clock := newClock()
	dir := privateDir(t)
	r := request("secret-looking-input")
	r.Description = "described"
	want(t, open(t, dir, clock), r, &issuer{clock: clock, life: time.Hour}, "a")
	raw, err := readOwn(entryPath(dir, r), maxEntry)
	if err != nil || strings.Contains(string(raw), "secret-looking-input") || !strings.Contains(string(raw), "described") {
		t.Errorf("%v %q", err, raw)
	}
	if text, _ := json.Marshal(r.Inputs); len(raw) < len(text) {
		t.Errorf("%d bytes hold no request", len(raw))
	}
}
