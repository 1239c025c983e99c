// Package kubeconfig points users of kubeconfig files at this plugin: those that run Azure's kubelogin, that use the azure
// plugin which kubectl once had, and those that somebody names.
//
// Files are other people's property: every byte outside the credential of such a user stays as it is, and whatever
// cannot be changed without touching something else is refused. A rewritten file is read again and compared with the
// one before, so that a mistake here is an error and not a broken kubeconfig.
package kubeconfig

import (
	"errors"
	"fmt"
	"slices"

	"github.com/idferry/idferry/internal/problem"
)

// Options say which users are rewritten, and to what.
type Options struct {
	// Users and Context choose; without them, every user of Azure's plugins is rewritten.
	Users   []string
	Context string
	// Command is exec.command of the rewritten users: an absolute path, or a bare name for PATH.
	Command string
	// Given is what the caller wants whatever the kubeconfig says; Default fills in what it does not say.
	Given, Default Identity
	// Check, if set, refuses what get-token would refuse. Fields that are empty are found when the plugin runs.
	Check func(Identity) error
}

// Outcome is what happens to one user.
type Outcome struct {
	User, Path string
	Changed    bool
	// From says what a changed user authenticated with before, Why says why another one is left alone.
	From, Why string
	// Notes are details of a changed user that somebody may miss.
	Notes []string
}

// Plan is what a rewrite would do. Nothing has been written yet.
type Plan struct {
	Files    []*File
	Outcomes []Outcome
}

// Changed reports whether there is anything to write.
func (p *Plan) Changed() bool {
	return slices.ContainsFunc(p.Files, (*File).changed)
}

// NewPlan decides over every user in files, which are in KUBECONFIG's order. One user that cannot be rewritten
// although it should be makes the whole an error.
func NewPlan(files []*File, o Options) (*Plan, error) {
	chosen, err := o.choose(files)
	if err != nil {
		return nil, err
	}
	p := &Plan{Files: files}
	owner := map[string]string{}
	var refused error
	served := false
	for _, f := range files {
		wanted := map[int]translated{}
		for n, u := range f.doc.users {
			out := Outcome{User: u.name, Path: f.Path}
			first, shadowed := owner[u.name]
			if !shadowed {
				owner[u.name] = f.Path
			}
			kind, words := recognize(u.value, o.Command)
			switch {
			case shadowed:
				out.Why = "kubectl takes the user of this name from " + first
			case len(chosen) > 0 && !slices.Contains(chosen, u.name):
				out.Why = "it was not asked for"
			case len(chosen) == 0 && kind == other:
				out.Why = words
			default:
				t, err := o.translate(u.value)
				var unsuited errNotForUs
				if errors.As(err, &unsuited) && len(chosen) == 0 {
					out.Why, refused = err.Error(), ofUser(f, u, err)
					break
				}
				if err != nil {
					return nil, ofUser(f, u, err)
				}
				served = true
				if out.Changed = !same(t.user, u.value); !out.Changed {
					out.Why = "it runs this plugin already"
					break
				}
				out.From, out.Notes = t.from, t.notes
				wanted[n] = t
			}
			p.Outcomes = append(p.Outcomes, out)
		}
		if err := f.rewrite(wanted); err != nil {
			return nil, err
		}
	}
	// If there is no other user, leaving one of Azure's alone is no success.
	if refused != nil && !served {
		return nil, refused
	}
	return p, nil
}

// ofUser names the user that an error is about.
func ofUser(f *File, u user, err error) error {
	e := problem.From(err)
	message := fmt.Sprintf("user %q: %s", u.name, e.Message)
	if e.Code == problem.Unexpected {
		return refuse(f.Path, u.line, "%s", message).WithHint("choose others with --user NAME or --context NAME, or keep kubelogin for this one")
	}
	return refuse(f.Path, u.line, "%s", message).WithHint("%s", e.Hint)
}

// choose returns the names that --user and --context stand for; none means that nobody was chosen.
func (o Options) choose(files []*File) ([]string, error) {
	chosen := slices.Clone(o.Users)
	if o.Context != "" {
		name, err := userOf(files, o.Context)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, name)
	}
	for _, name := range chosen {
		if !slices.ContainsFunc(files, func(f *File) bool {
			return slices.ContainsFunc(f.doc.users, func(u user) bool { return u.name == name })
		}) {
			return nil, problem.Input("--user", "no user is named %q in %s", name, pathsOf(files)).WithHint("kubectl config get-users")
		}
	}
	return chosen, nil
}

// userOf returns the user of a context. The first file that has the context decides, as in clientcmd.
func userOf(files []*File, name string) (string, error) {
	for _, f := range files {
		for _, c := range f.doc.contexts {
			if c.name != name {
				continue
			}
			if c.user == "" {
				return "", problem.Input("--context", "the context %q in %s names no user", name, f.Path)
			}
			return c.user, nil
		}
	}
	return "", problem.Input("--context", "no context is named %q in %s", name, pathsOf(files)).WithHint("kubectl config get-contexts -o name")
}
