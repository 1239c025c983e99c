package problem

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"
)

func TestInputNamesTheField(t *testing.T) {
	err := Input("--tenant-id", "%q is unusable: %w", "x", fs.ErrInvalid).WithHint("use %s", "a GUID")
	if err.Error() != `--tenant-id: "x" is unusable: invalid argument; use a GUID` || !err.Misuse || err.Code != BadInput || !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("%+v", err)
	}
}

func TestFromFindsTheErrorInsideOthers(t *testing.T) {
	inner := New("AADSTS7000215", "refused")
	if got := From(fmt.Errorf("library: %w", inner)); got != inner {
		t.Errorf("%+v", got)
	}
	for err, code := range map[error]string{
		context.DeadlineExceeded: DeadlineExceeded,
		errors.New("x"):          Unexpected,
	} {
		if got := From(err); got.Code != code || !errors.Is(got, err) {
			t.Errorf("%+v", got)
		}
	}
	if From(nil) != nil {
		t.Error("no error is no problem")
	}
}
