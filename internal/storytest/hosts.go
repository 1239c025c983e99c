package storytest

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/idferry/idferry/internal/fakecloud"
)

// answers SERVER STATUS TIMES|always [HEADER:VALUE…] [BODY]: so many requests are answered with that, and the next ones as
// usual. A value of Retry-After that begins with + is a date.
func answers(ts *testscript.TestScript, s *story, args []string) {
	server := s.servers()[args[0]]
	status, err := strconv.Atoi(args[1])
	ts.Check(err)
	times := int64(-1)
	if args[2] != "always" {
		times, err = strconv.ParseInt(args[2], 10, 64)
		ts.Check(err)
	}
	header, body := http.Header{"Content-Type": {"application/json; charset=utf-8"}}, ""
	for _, arg := range args[3:] {
		name, value, ok := strings.Cut(arg, ":")
		if !ok || strings.HasPrefix(arg, "{") || strings.HasPrefix(arg, "<") {
			body = arg
			continue
		}
		if after, ok := strings.CutPrefix(value, "+"); ok {
			value = time.Now().Add(lifetime(ts, after)).UTC().Format(http.TimeFormat)
		}
		header.Set(name, value)
	}
	var left atomic.Int64
	left.Store(times)
	server.Answer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
		if left.Add(-1) == 0 {
			server.Answer(nil)
		}
	}))
}

// identities system|user…: the virtual machine and the site have these alone.
func identities(_ *testscript.TestScript, s *story, args []string) {
	var only []string
	for _, name := range args {
		only = append(only, map[string]string{"system": fakecloud.SandboxSystemOID, "user": fakecloud.SandboxUserOID}[name])
	}
	for _, keep := range []func(...string){s.IMDS.Only, s.AppService.Only} {
		keep(only...)
	}
}

// arc keys DIRECTORY|realm DIRECTORY|size BYTES|user-assigned: how the agent challenges, and what it knows of.
func arc(ts *testscript.TestScript, s *story, args []string) {
	switch args[0] {
	case "keys":
		directory := ts.MkAbs(args[1])
		ts.Check(os.MkdirAll(directory, 0o700))
		s.ArcAgent.KeepKeysIn(directory)
	case "realm":
		s.ArcAgent.Challenge(args[1], 36)
	case "size":
		size, err := strconv.Atoi(args[1])
		ts.Check(err)
		s.ArcAgent.Challenge(fakecloud.ArcTokenDirectory, size)
	case "user-assigned":
		s.ArcAgent.UserAssigned()
	default:
		ts.Fatalf("arc has no %s", args[0])
	}
}

// condition adds to testscript's own: mounts, that a process may have mounts of its own, as in a container.
func condition(name string) (bool, error) {
	if name != "mounts" {
		return false, fmt.Errorf("unknown condition %q", name)
	}
	return exec.Command("unshare", "--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/var/opt").Run() == nil, nil
}
