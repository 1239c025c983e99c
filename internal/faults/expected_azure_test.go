package faults

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

// arcAgent challenges who asks, and is asked again with the key. An answer without a challenge is no agent's of today.
func arcAgent() expected {
	return managedIdentity("invalid_request").but(`
	429, in 1 s well    | token             | 3
	429, at a date well | token             | 3
	503, then well      | token             | 3
	no token in it      | no_identity       | 1
	JSON as text/html   | token             | 2
	clock a day behind  | token             | 2
	clock a day ahead   | expired_token     | 2`)
}

// pipeline is the service by which a job is known.
func pipeline() expected {
	return googleAPI("refused")
}
