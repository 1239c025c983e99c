package externalaccount

import (
	"slices"
	"time"
)

// Client is a library, or several that read the file alike.
type Client string

// The clients that config --check knows.
const (
	Go     Client = "Go, Terraform"
	Python Client = "Python"
	GCloud Client = "gcloud, bq"
	Node   Client = "Node.js"
	Java   Client = "Java"
	PHP    Client = "PHP"
	Ruby   Client = "Ruby"
	Rust   Client = "Rust"
	DotNet Client = ".NET"
	CPP    Client = "C++"
)

// Clients returns all of them.
func Clients() []Client {
	return []Client{Go, Python, GCloud, Node, Java, PHP, Ruby, Rust, DotNet, CPP}
}

// Finding is something that a file does to clients.
type Finding struct {
	// Field is the key of the file that it is about.
	Field string `json:"field"`
	// Message says what they make of it, Hint what to do.
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	// Clients are those concerned; all of them when it is empty.
	Clients []Client `json:"clients,omitempty"`
	// Fails means that they get no token; otherwise it is only good to know.
	Fails bool `json:"fails"`
}

// Report is what each client makes of a file.
type Report struct {
	// Source is "executable", "file", "url", or what else the file has.
	Source string
	// Audience is zero when it is unusable. Account is the service account to be impersonated, if any.
	Audience Audience
	Account  string
	Findings []Finding
}

// ForAll returns what keeps every client from a token.
func (r *Report) ForAll() []Finding {
	return r.failing(func(f Finding) bool { return len(f.Clients) == 0 })
}

// Own is what keeps client from a token and not every other one.
func (r *Report) Own(client Client) []Finding {
	return r.failing(func(f Finding) bool { return slices.Contains(f.Clients, client) })
}

// Works reports whether client gets a token.
func (r *Report) Works(client Client) bool { return len(r.ForAll())+len(r.Own(client)) == 0 }

func (r *Report) failing(about func(Finding) bool) []Finding {
	return slices.DeleteFunc(slices.Clone(r.Findings), func(f Finding) bool { return !f.Fails || !about(f) })
}

// Notes returns what is only good to know.
func (r *Report) Notes() []Finding {
	return slices.DeleteFunc(slices.Clone(r.Findings), func(f Finding) bool { return f.Fails })
}

// Unsupported reports whether client has no source of this kind at all, whatever the file says.
func (r *Report) Unsupported(client Client) bool {
	return r.Source == "executable" && (client == DotNet || client == CPP)
}

// Sound reports whether every client that has such a source gets a token.
func (r *Report) Sound() bool {
	return !slices.ContainsFunc(Clients(), func(c Client) bool { return !r.Unsupported(c) && !r.Works(c) })
}

func (r *Report) fails(field, message, hint string, clients ...Client) {
	r.Findings = append(r.Findings, Finding{Field: field, Message: message, Hint: hint, Clients: clients, Fails: true})
}

func (r *Report) note(field, message, hint string, clients ...Client) {
	r.Findings = append(r.Findings, Finding{Field: field, Message: message, Hint: hint, Clients: clients})
}

// Surroundings is what a check looks at besides the file.
type Surroundings struct {
	Lookup func(string) (string, bool)
	Now    func() time.Time
	// Understand reads the command's arguments where the command is this program.
	Understand func(args []string) (Helper, error)
}

// Helper is what a command line of this program says.
type Helper struct {
	// Deadline is its own.
	Deadline time.Duration
	// Resource is set where it names a resource or scope; OutputFile is the file that it names.
	Resource   bool
	OutputFile string
}
