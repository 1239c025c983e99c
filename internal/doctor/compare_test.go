package doctor

import "testing"

func TestHowTwoValuesDifferIsSaidInWords(t *testing.T) {
	const tenant, other, app = "11111111-aaaa-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222", "33333333-3333-3333-3333-333333333333"
	for _, c := range []struct{ presented, expected, want string }{
		{"https://accounts.google.com", "https://accounts.google.com", ""},
		{"https://accounts.google.com", "https://accounts.google.com/", "a slash at the end"},
		{"https://accounts.google.com", "https://Accounts.google.com", "capitals"},
		{"https://accounts.google.com", " https://accounts.google.com", "white space around it"},
		{"https://sts.windows.net/" + tenant + "/", "https://login.microsoftonline.com/" + tenant + "/v2.0", "a token of version 1 where version 2 is expected"},
		{"https://login.microsoftonline.com/" + tenant + "/v2.0", "https://sts.windows.net/" + tenant + "/", "a token of version 2 where version 1 is expected"},
		{"https://sts.windows.net/" + tenant + "/", "https://sts.windows.net/" + other + "/", "another tenant"},
		{"api://AzureADTokenExchange", "api://AzureADTokenExchangeUSGov", "the audience of another of Microsoft's clouds"},
		{"api://" + app, app, "api:// before the client id"},
		{app, "api://orders", "a client id where an App ID URI is expected: the token is of version 2"},
		{"api://orders", app, "an App ID URI where a client id is expected: the token is of version 1"},
		{"115000000000000000001", "app@project.iam.gserviceaccount.com", "an account's numeric id where its e-mail address is expected"},
		{"115000000000000000001", "115000000000000000002", "the id of another account, or of one that was deleted and made again"},
		{"one", "another", ""},
	} {
		if got := Why(c.presented, c.expected); got != c.want {
			t.Errorf("%q beside %q: %q, want %q", c.presented, c.expected, got, c.want)
		}
	}
}

func TestTheNearestOfWhatIsExpectedIsShown(t *testing.T) {
	if d := Compare("audience", "a", "b", "a"); d != nil {
		t.Error(d)
	}
	if d := Compare("audience", "a"); d != nil {
		t.Error("nothing is known of what is expected:", d)
	}
	if d := Compare("issuer", "https://x/", "https://y", "https://x"); d == nil || d.Expected != "https://x" || d.Why != "a slash at the end" {
		t.Errorf("%+v", d)
	}
	if d := Compare("issuer", "", "https://y", "https://z"); d == nil || d.Presented != "(nothing)" || d.Expected != "https://y or https://z" {
		t.Errorf("%+v", d)
	}
}
