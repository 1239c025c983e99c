package catalogue

import (
	"os/exec"
	"strings"
	"testing"
)

func TestTheEntryThatAsksMostOfTheTextWins(t *testing.T) {
	entries := []Entry{
		{Code: "invalid_grant", Cause: "any"},
		{Code: "invalid_grant", Says: []string{"The audience in ID Token"}, Cause: "audience"},
		{Code: "invalid_grant", Says: []string{"the audience", "[]"}, Cause: "no audience"},
	}
	for text, want := range map[string]string{
		"the AUDIENCE in id token [x] does not match": "audience", "The audience in ID Token [] does not match": "no audience", "something else": "any",
	} {
		if e, ok := Find(entries, "invalid_grant", text); !ok || e.Cause != want {
			t.Errorf("%s: %q", text, e.Cause)
		}
	}
	if e, ok := Find(entries, "invalid_target", "the audience"); ok {
		t.Error(e)
	}
}

func TestPlacesAreFilledForTheirLanguage(t *testing.T) {
	e := Entry{Cause: "it has {no} place", Mend: "trust {subject} of {pool-id}", Run: []string{"az --id {subject} --name {pool-id} --query '{a:b}'"}, Wait: "minutes"}
	a := e.Advice(Values{"subject": "it's\n`me` $(id)"})
	if a.Cause != "it has {no} place" || a.Mend != "trust it's `me` $(id) of POOL_ID" {
		t.Errorf("%+v", a)
	}
	if want := `az --id 'it'\''s ` + "`me` $(id)' --name POOL_ID --query '{a:b}'"; a.Run[0] != want {
		t.Errorf("%s\nwant %s", a.Run[0], want)
	}
}

func TestAShellReadsWhatWasQuotedForIt(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no sh")
	}
	for _, value := range []string{"plain-1/2.3", "a b", `it's "quoted" \ $(id) ` + "`id`", "", "*", "~", "a=b,c%d"} {
		out, err := exec.Command(sh, "-c", "printf %s "+ForShell(value)).Output()
		if err != nil || string(out) != value {
			t.Errorf("%q became %q (%v)", value, out, err)
		}
	}
	if strings.Contains(ForShell("a.b@c"), "'") {
		t.Error("an e-mail address needs no quotes")
	}
}
