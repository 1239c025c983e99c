package faults

import (
	"fmt"
	"strings"
)

// tokenGiven is the outcome that is no error.
const tokenGiven = "token"

// ending is what becomes of a fault: a token or the code of an error, and how often the endpoint is asked for it.
type ending struct {
	code        string
	least, most int64
}

// expected has the ending of each fault.
type expected map[string]ending

// read makes expectations of lines "FAULT | OUTCOME | REQUESTS", where requests are a number or a range.
func read(lines string) expected {
	e := expected{}
	for line := range strings.SplitSeq(strings.TrimSpace(lines), "\n") {
		fields := strings.Split(line, "|")
		var x ending
		x.code = strings.TrimSpace(fields[1])
		if n, _ := fmt.Sscanf(fields[2], "%d-%d", &x.least, &x.most); n < 2 {
			x.most = x.least
		}
		e[strings.TrimSpace(fields[0])] = x
	}
	return e
}

// but returns e with some lines in the place of its own.
func (e expected) but(lines string) expected {
	for fault, x := range read(lines) {
		e[fault] = x
	}
	return e
}

// passing are the endings of what every endpoint's caller outlives, and of what it cannot: no answer at all.
const passing = `
	blackhole           | deadline_exceeded | 1
	silence             | deadline_exceeded | 1
	slow drip           | deadline_exceeded | 1
	429, in 1 s well    | token             | 2
	429, at a date well | token             | 2
	503, then well      | token             | 2
	JSON as text/html   | token             | 1
	clock a day behind  | token             | 1
	clock a day ahead   | token             | 1`

// metadataServer is asked by Google's library, which repeats up to five times by its own measure of time, whatever Retry-After
// says.
func metadataServer() expected {
	return read(passing).but(`
	refused             | unreachable       | 0
	reset               | unreachable       | 2-7
	400 JSON            | refused           | 1
	400 HTML            | refused           | 1
	401                 | refused           | 1
	403                 | refused           | 1
	404                 | no_identity       | 2
	429, in an hour     | refused           | 2-6
	500                 | refused           | 2-6
	truncated JSON      | unreachable       | 2-6
	huge body           | bad_answer        | 1
	redirect            | bad_answer        | 1
	HTML for an answer  | bad_answer        | 1
	no token in it      | bad_answer        | 1`)
}

// metadataByDefault is the same where nobody said that there is a metadata server: who does not answer, or is none, means that
// there is no identity.
func metadataByDefault() expected {
	return metadataServer().but(`
	refused             | no_identity       | 0
	reset               | no_identity       | 2-7
	truncated JSON      | no_identity       | 2-6
	huge body           | no_identity       | 1
	redirect            | no_identity       | 1`)
}

// metadataAccessToken is asked where there is no identity endpoint, and was found by then.
func metadataAccessToken() expected {
	return metadataServer().but(`
	404                 | no_identity       | 1`)
}

// googleAPI is an endpoint of Google's, which repeats a code of its own.
func googleAPI(own string) expected {
	return read(passing).but(`
	refused             | unreachable       | 0
	reset               | unreachable       | 2-4
	TLS expired         | unreachable       | 1
	TLS wrong host      | unreachable       | 1
	400 JSON            | ` + own + `       | 1
	400 HTML            | refused           | 1
	401                 | refused           | 1
	403                 | refused           | 1
	404                 | refused           | 1
	429, in an hour     | refused           | 1
	500                 | refused           | 2-4
	truncated JSON      | unreachable       | 2-4
	huge body           | bad_answer        | 1
	redirect            | bad_answer        | 1
	HTML for an answer  | bad_answer        | 1
	no token in it      | bad_answer        | 1`)
}

// googleKey is Google's endpoint for what a key signs, with the machine's own time in it.
func googleKey() expected {
	return googleAPI("invalid_grant").but(`
	clock a day behind  | invalid_grant     | 1
	clock a day ahead   | invalid_grant     | 1`)
}

// entraID is Entra ID, which gives every refusal a code: what has none does not come from there.
func entraID(own string) expected {
	return read(passing).but(`
	refused             | unreachable       | 0
	reset               | unreachable       | 2-4
	TLS expired         | unreachable       | 1
	TLS wrong host      | unreachable       | 1
	400 JSON            | ` + own + `       | 1
	400 HTML            | bad_answer        | 1
	401                 | bad_answer        | 1
	403                 | bad_answer        | 1
	404                 | bad_answer        | 1
	429, in an hour     | refused           | 1
	500                 | bad_answer        | 2-4
	truncated JSON      | unreachable       | 2-4
	huge body           | bad_answer        | 1
	redirect            | bad_answer        | 1
	HTML for an answer  | bad_answer        | 1
	no token in it      | bad_answer        | 1`)
}

// tokenProxy is asked for Entra's configuration and for the token.
func tokenProxy(own string) expected {
	return entraID(own).but(`
	429, in 1 s well    | token             | 3
	429, at a date well | token             | 3
	503, then well      | token             | 3
	JSON as text/html   | token             | 2
	clock a day behind  | token             | 2
	clock a day ahead   | token             | 2`)
}

// managedIdentity is an endpoint on the machine, by which the machine is known: where nothing answers there is no identity, and a
// token that has ended by the machine's clock is told of, because no client would take it.
func managedIdentity(own string) expected {
	return read(passing).but(`
	refused             | no_identity       | 0
	reset               | no_identity       | 2
	400 JSON            | ` + own + `       | 1
	400 HTML            | bad_answer        | 1
	401                 | bad_answer        | 1
	403                 | bad_answer        | 1
	404                 | bad_answer        | 1
	429, in an hour     | refused           | 1
	500                 | bad_answer        | 2-4
	truncated JSON      | no_identity       | 2
	huge body           | bad_answer        | 1
	redirect            | bad_answer        | 1
	HTML for an answer  | bad_answer        | 1
	no token in it      | bad_answer        | 1
	clock a day ahead   | expired_token     | 1`)
}

// imds answers 404 while an identity is on its way.
func imds() expected {
	return managedIdentity("invalid_request").but(`
	404                 | bad_answer        | 2-4`)
}

// serviceFabric is known by its certificate's thumbprint. Another one, and a redirect, are errors of the transport there, and so
// tried once more.
func serviceFabric() expected {
	return managedIdentity("ArgumentNullOrEmpty").but(`
	redirect            | bad_answer        | 2
	TLS expired         | bad_answer        | 2
	TLS wrong host      | bad_answer        | 2`)
}

// pipeline is the service by which a job is known.
func pipeline() expected {
	return googleAPI("refused")
}

// examinedHop is shown by doctor as it is: nothing is repeated, and an endpoint that does not answer is the network's. A clock
// that is off is the first cross.
func examinedHop(own string) expected {
	return read(`
	refused             | unreachable       | 0
	reset               | unreachable       | 1
	blackhole           | unreachable       | 1
	silence             | unreachable       | 1
	slow drip           | unreachable       | 1
	TLS expired         | unreachable       | 1
	TLS wrong host      | unreachable       | 1
	400 JSON            | ` + own + `       | 1
	400 HTML            | refused           | 1
	401                 | refused           | 1
	403                 | refused           | 1
	404                 | refused           | 1
	429, in 1 s well    | refused           | 1
	429, at a date well | refused           | 1
	429, in an hour     | refused           | 1
	500                 | refused           | 1
	503, then well      | refused           | 1
	truncated JSON      | unreachable       | 1
	huge body           | bad_answer        | 1
	redirect            | bad_answer        | 1
	HTML for an answer  | bad_answer        | 1
	no token in it      | bad_answer        | 1
	JSON as text/html   | token             | 1
	clock a day behind  | clock             | 1
	clock a day ahead   | clock             | 1`)
}

// examinedExchange is asked twice: whether anybody answers there at all, which a passing fault meets, and for a token.
func examinedExchange() expected {
	return examinedHop("invalid_grant").but(`
	400 JSON            | invalid_grant     | 2
	400 HTML            | refused           | 2
	401                 | refused           | 2
	403                 | refused           | 2
	404                 | refused           | 2
	429, in 1 s well    | token             | 2
	429, at a date well | token             | 2
	429, in an hour     | refused           | 2
	500                 | refused           | 2
	503, then well      | token             | 2
	HTML for an answer  | bad_answer        | 2
	no token in it      | bad_answer        | 2
	JSON as text/html   | token             | 2
	clock a day behind  | clock             | 2
	clock a day ahead   | clock             | 2`)
}
