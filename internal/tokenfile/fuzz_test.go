package tokenfile

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/fuzzing"
	"github.com/idferry/idferry/internal/token"
)

// Whatever is in the file, it is a token, which is replaced whole, or something else, which stays as it is.
func FuzzHeldFile(f *testing.F) {
	for _, text := range []string{"", "\n", fuzzing.Token, fuzzing.Token + "\n", "something else", "a.b.c", "e30.eyJleHAiOjQxMDI0NDQ4MDB9.", "\xff\x00", "e30.bnVsbA.x"} {
		f.Add([]byte(text), fuzzing.Token)
	}
	judge := fuzzing.NewJudge()
	f.Fuzz(func(t *testing.T, held []byte, next string) {
		path := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(path, held, 0o600); err != nil {
			t.Fatal(err)
		}
		now := time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)
		if err := Fresh(path, now); err != nil {
			judge.Refused(t, err)
		} else if !isToken(held) {
			t.Errorf("%q is fresh", held)
		}
		file := File{Field: "--path", Path: path}
		err := file.Write(token.Token{Value: token.NewSecret(next)})
		got, readErr := os.ReadFile(path)
		if readErr != nil {
			t.Fatal(readErr)
		}
		if err != nil {
			judge.Refused(t, err)
			if string(got) != string(held) || isToken(held) || len(held) == 0 {
				t.Errorf("%q became %q: %v", held, got, err)
			}
			return
		}
		if string(got) != next || len(held) > 0 && !isToken(held) {
			t.Errorf("%q became %q", held, got)
		}
	})
}
