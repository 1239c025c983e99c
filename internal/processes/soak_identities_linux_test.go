package processes

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
	"github.com/idferry/idferry/internal/token"
)

// caller is one of the two binaries in one contract, and whom it is to be given.
type caller struct {
	name    string
	place   *place
	program string
	args    []string
	env     []string
	is      func(token.Claims) bool
	// remembered is shared by the callers that want the same token.
	remembered *remembered
	// from is whom a renewal needs.
	from []upstream
	// stale is set where a renewal may fail, because the old token is still good.
	stale bool
	// unkept are the times at which nothing can be remembered.
	unkept *windows
	// outputFile is where the response is to be found too.
	outputFile string
}

func (s *soak) newCallers() []*caller {
	files := s.short.cacheDir()
	a, b, m := []upstream{{s.short, "entra"}, {s.short, "metadata"}}, []upstream{{s.hours, "entra"}, {s.hours, "metadata"}}, []upstream{{s.short, "imds"}}
	of := func(tenant, client, audience string) func(token.Claims) bool {
		return func(c token.Claims) bool {
			return c.TenantID == tenant && c.AppID == client && len(c.Audience) == 1 && strings.TrimSuffix(c.Audience[0], "/") == audience
		}
	}
	machine := func(oid string) func(token.Claims) bool {
		return func(c token.Claims) bool {
			return c.ObjectID == oid && len(c.Audience) == 1 && c.Audience[0] == fakecloud.SandboxResource
		}
	}
	exchange := func(format, tenant, client, resource string) []string {
		if format == "exec" {
			return []string{"get-token", "--server-id", resource, "--client-id", client, "--tenant-id", tenant}
		}
		return []string{"get-token", "-o", format, "--resource", resource, "--client-id", client, "--tenant-id", tenant}
	}
	at := func(mode, dir string) []string { return []string{"IDFERRY_CACHE=" + mode, "IDFERRY_CACHE_DIR=" + dir} }
	const tenant, other, app = fakecloud.SandboxTenant, fakecloud.SandboxOtherTenant, fakecloud.SandboxApp
	first, server, second, lasting := s.newRemembered(0), s.newRemembered(0), s.newRemembered(0), s.newRemembered(time.Hour)
	system, user := s.newRemembered(0), s.newRemembered(0)
	response := filepath.Join(s.short.home, "response.json")
	all := []*caller{
		{name: "raw", program: s.programs.helper, args: exchange("raw", tenant, app, storage), is: of(tenant, app, storage), remembered: first, from: a},
		{name: "az", program: s.programs.helper, args: exchange("az", tenant, app, storage), is: of(tenant, app, storage), remembered: first, from: a},
		{name: "kubectl", program: s.programs.helper, args: exchange("exec", tenant, app, fakecloud.AKSServer), is: of(tenant, app, fakecloud.AKSServer), remembered: server, from: a},
		{name: "another tenant", program: s.programs.helper, args: exchange("azd", other, app, storage), is: of(other, app, storage), remembered: second, from: a},
		{name: "another application", program: s.programs.helper, args: exchange("raw", tenant, soakClient, storage), is: of(tenant, soakClient, storage), remembered: s.newRemembered(0), from: a},
		{name: "an hour", place: s.hours, program: s.programs.helper, args: exchange("raw", tenant, app, storage), is: of(tenant, app, storage), remembered: lasting, from: b, stale: true},
		{name: "an hour, kubectl", place: s.hours, program: s.programs.helper, args: exchange("exec", other, app, fakecloud.AKSServer), is: of(other, app, fakecloud.AKSServer), remembered: s.newRemembered(time.Hour), from: b, stale: true},
		{name: "the system's identity", program: s.programs.source, args: ofIdentity(""), is: machine(fakecloud.SandboxSystemOID), remembered: system, from: m},
		{name: "a user's identity", program: s.programs.source, args: ofIdentity(fakecloud.SandboxUserClient), is: machine(fakecloud.SandboxUserOID), remembered: user, from: m},
		{name: "a user's identity, output file", program: s.programs.source, args: ofIdentity(fakecloud.SandboxUserClient), is: machine(fakecloud.SandboxUserOID), remembered: user, from: m,
			env: []string{"GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE=" + response}, outputFile: response},
		{name: "kernel keyring", program: s.programs.helper, args: exchange("raw", other, app, storage), is: of(other, app, storage), remembered: s.newRemembered(0), from: a, env: at("kernel", files+"-kernel")},
		{name: "kernel keyring, machine", program: s.programs.source, args: ofIdentity(""), is: machine(fakecloud.SandboxSystemOID), remembered: s.newRemembered(0), from: m, env: at("kernel", files+"-kernel")},
	}
	if s.disk != nil {
		all = append(all,
			&caller{name: "small disk", program: s.programs.helper, args: exchange("header", tenant, app, storage), is: of(tenant, app, storage), remembered: s.newRemembered(0), from: a, env: at("file", s.disk.cache), unkept: &s.full},
			&caller{name: "small disk, output file", program: s.programs.source, args: ofIdentity(""), is: machine(fakecloud.SandboxSystemOID), remembered: s.newRemembered(0), from: m,
				env: append(at("file", s.disk.cache), "GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE="+s.disk.response), unkept: &s.full})
	}
	if s.keyring != nil {
		dir := append(at("keyring", files+"-keyring"), s.keyring.Env...)
		dir = append(dir, "XDG_RUNTIME_DIR=")
		all = append(all,
			&caller{name: "keyring", program: s.programs.helper, args: exchange("raw", tenant, app, storage), is: of(tenant, app, storage), remembered: s.newRemembered(0), from: a, env: dir, unkept: &s.down},
			&caller{name: "keyring, machine", program: s.programs.source, args: ofIdentity(fakecloud.SandboxUserClient), is: machine(fakecloud.SandboxUserOID), remembered: s.newRemembered(0), from: m, env: dir, unkept: &s.down})
	}
	for _, c := range all {
		if c.place == nil {
			c.place = s.short
		}
	}
	return all
}

// withoutKernel says that c wants the kernel keyring where there is none, as under Docker's seccomp profile.
func (s *soak) withoutKernel(c *caller) bool {
	if !slices.Contains(c.env, "IDFERRY_CACHE=kernel") {
		return false
	}
	p := *c.place
	p.env = append(append([]string{}, p.env...), c.env...)
	first, err := p.run(s.t.Context(), c.program, c.args...)
	second, again := p.run(s.t.Context(), c.program, c.args...)
	if err := errors.Join(err, again); err != nil || first != second {
		s.missing(c.name, errors.Join(err, errors.New("nothing is remembered with --cache kernel")))
		return true
	}
	return false
}
