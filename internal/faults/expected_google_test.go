package faults

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
