package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
)

// peer is another program that gives such tokens and remembers them.
type peer struct {
	name string
	// ready has everything in place for calls, and says how they are made.
	ready func(context.Context) (command, error)
	// cluster takes its tokens, where it is a credential plugin of kubectl.
	cluster *fakecloud.Kubernetes
	// bound is what kubectl with it is held to where every server is far; 0 is none.
	bound float64
	// slow ones, of a tree of scripts, are called a few times only.
	slow bool
}

const (
	slowRounds = 7
	// patience is for a program that waits for a person who is not there.
	patience = time.Minute
)

// neighbours are the peers and what they need besides a place: Entra ID under its public name, an OpenID provider of one's
// own, clusters that take their tokens, and a home that they share.
type neighbours struct {
	*bench
	home     string
	env      []string
	internet *fakecloud.Internet
	provider *fakecloud.OpenID
	// own takes tokens of provider, gke those of Google.
	own, gke *fakecloud.Kubernetes
}

func (b *bench) neighbours() (n *neighbours, err error) {
	n = &neighbours{bench: b}
	defer func() {
		if err != nil {
			n.close()
		}
	}()
	if n.home, err = os.MkdirTemp(b.dir, "peers"); err != nil {
		return n, err
	}
	if n.internet, err = fakecloud.StartInternet(b.clouds, nil); err != nil {
		return n, err
	}
	if n.provider, err = fakecloud.StartOpenID(b.clouds.CA, time.Now); err != nil {
		return n, err
	}
	if n.own, err = fakecloud.StartKubernetes(b.clouds.CA, n.provider.JWKSURL(), n.provider.URL, fakecloud.OpenIDClient, time.Now); err != nil {
		return n, err
	}
	if n.gke, err = fakecloud.StartGKE(b.clouds.CA, b.clouds.Google); err != nil {
		return n, err
	}
	n.env = append(slices.Clone(b.env), "HOME="+n.home, "LOCALAPPDATA="+n.home, "USERPROFILE="+n.home,
		"HTTPS_PROXY="+n.internet.URL, "AZURE_AUTHORITY_HOST=https://"+fakecloud.PublicAuthority+"/")
	return n, nil
}

func (n *neighbours) close() {
	for _, k := range []*fakecloud.Kubernetes{n.own, n.gke} {
		if k != nil {
			k.Close()
		}
	}
	if n.provider != nil {
		n.provider.Close()
	}
	if n.internet != nil {
		n.internet.Close()
	}
}

func (n *neighbours) all() []peer {
	return []peer{n.kubelogin(), n.kubelogin("--disable-instance-discovery"), n.oidcLogin(), n.gkePlugin(), n.gcloud(), n.az()}
}

// peers are the rows of other programs that have a token remembered.
func (b *bench) peers(ctx context.Context) (rows []row, err error) {
	n, err := b.neighbours()
	if err != nil {
		return nil, err
	}
	defer n.close()
	for _, p := range n.all() {
		r, err := n.hit(ctx, p)
		if ctx.Err() != nil {
			return rows, ctx.Err()
		}
		if err != nil {
			r.Missing = inOneLine(err)
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// hit times a peer that has its token remembered.
func (n *neighbours) hit(ctx context.Context, p peer) (row, error) {
	r := row{Name: p.name, Asks: -1}
	c, text, asked, err := n.remembered(ctx, p)
	if err != nil {
		return r, err
	}
	r.Asked = asked
	if info, err := os.Stat(c.path); err == nil && !p.slow {
		r.Size = info.Size()
	}
	rounds := n.rounds
	defer func() { n.rounds = rounds }()
	if p.slow {
		n.rounds = min(rounds, slowRounds)
	}
	made, err := n.time(ctx, r, c, text)
	if err != nil {
		return r, err
	}
	return made, nil
}

// remembered has a peer remember its token, and returns the command that prints it, what that prints and what it asks.
func (n *neighbours) remembered(ctx context.Context, p peer) (c command, text string, asked []string, err error) {
	if c, err = p.ready(ctx); err != nil {
		return c, "", nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	first, _, err := c.run(ctx)
	if err != nil {
		return c, "", nil, err
	}
	heard := n.overhear()
	text, _, err = c.run(ctx)
	if err == nil && text != first {
		err = errors.New("nothing is remembered here: two calls print two tokens")
	}
	return c, text, heard(), err
}

// overhear begins to listen; what it returns says what has been asked since then, of whomever.
func (n *neighbours) overhear() func() []string {
	from, refused := time.Now(), len(n.internet.Refused())
	return func() (asked []string) {
		var all []fakecloud.Request
		for _, s := range []*fakecloud.Server{
			n.clouds.Entra.Server, n.clouds.IMDS.Server, n.clouds.ResourceManager.Server, n.clouds.Google.Metadata, n.clouds.Google.Token, n.provider.Server,
		} {
			all = append(all, s.Requests()...)
		}
		slices.SortStableFunc(all, func(a, b fakecloud.Request) int { return a.At.Compare(b.At) })
		for _, r := range all {
			if r.At.After(from) {
				asked = append(asked, r.Method+" "+r.Path)
			}
		}
		return append(asked, n.internet.Refused()[refused:]...)
	}
}

// inOneLine is a peer's trouble for the table: the last words are those that name it.
func inOneLine(err error) string {
	const most = 200
	words := strings.Join(strings.Fields(err.Error()), " ")
	if len(words) > most {
		words = "… " + strings.ToValidUTF8(words[len(words)-most:], "")
	}
	return words
}

// in is a path below the neighbours' home.
func (n *neighbours) in(names ...string) string {
	return filepath.Join(append([]string{n.home}, names...)...)
}
