package faults

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
