package catalogue

import "github.com/idferry/idferry/internal/problem"

// Own returns what the codes of both programs' own errors mean: those that no cloud said.
func Own() []Entry {
	return []Entry{
		{Code: problem.NoIdentity, Cause: "no identity was found on this machine, in this pod or pipeline, or the one that is there cannot be used", Mend: "name the one that you mean: --credential for an Azure identity, --google-source for a Google one"},
		{Code: problem.Unreachable, Cause: "an endpoint did not answer: its name is not known here, the connection was refused, a proxy is in the way, or its certificate is not trusted", Mend: "check the network, the proxy (HTTPS_PROXY, NO_PROXY) and the certificates (SSL_CERT_FILE)"},
		{Code: problem.DeadlineExceeded, Cause: "an endpoint was silent until the program's own deadline had passed, which is shorter than its caller's", Mend: "see which endpoint it is with --log-file FILE, and look at the way there; --timeout gives it longer"},
		{Code: problem.BadAnswer, Cause: "something answered in place of the endpoint: a sign-in page of the network, a proxy, another cloud's metadata service", Mend: "see what it is with curl -sSi and the address in the message"},
		{Code: problem.Refused, Cause: "an endpoint refused without a code of its own", Mend: "what it said is in the message"},
		{Code: problem.Expired, Cause: "a token has ended and nobody renewed it: a file that is not written any more, a program that was stopped, or a clock that is off", Mend: "see whether the file is still renewed, and compare the clock (date -u)"},
		{Code: problem.Interaction, Cause: "somebody has to sign in, and nobody is there to do it", Mend: "run the program by hand at a terminal once; its token then serves other programs until it ends"},
		{Code: problem.BadInput, Cause: "a flag, a variable or a file says something that cannot be used; the message names it", Mend: "the message says what belongs there"},
		{Code: "clock", Cause: "this machine's clock and a cloud's are more than a minute apart, so that tokens look expired or not valid yet to one of them", Mend: "set it", Run: []string{"timedatectl set-ntp true"}},
	}
}
