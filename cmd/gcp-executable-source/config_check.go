package main

import (
	"fmt"
	"io"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/pflag"

	"github.com/idferry/idferry/internal/cli"
	"github.com/idferry/idferry/internal/externalaccount"
	"github.com/idferry/idferry/internal/problem"
)

// examine prints what each client makes of the file at path. sound means that each gets a token by it.
func (c *config) examine(flags *pflag.FlagSet, path string) (sound bool, err error) {
	var other string
	flags.Visit(func(f *pflag.Flag) {
		if f.Name != "check" && f.Name != "json" {
			other = f.Name
		}
	})
	if other != "" {
		return false, problem.Input("--"+other, "it goes with writing a file, and --check only reads one")
	}
	if path == "" {
		if path = c.process.Getenv("GOOGLE_APPLICATION_CREDENTIALS"); path == "" {
			return false, problem.Input("FILE", "it is missing, and GOOGLE_APPLICATION_CREDENTIALS names none").WithHint("%s config --check FILE", c.process.Name)
		}
	}
	path, err = filepath.Abs(path)
	if err != nil {
		return false, problem.Input("FILE", "%w", err)
	}
	report, err := externalaccount.Check(path, externalaccount.Surroundings{Lookup: c.process.Lookup, Now: c.process.Now, Understand: c.understand})
	if err != nil {
		return false, err
	}
	if c.asJSON {
		err = checkJSON(c.process.Stdout, path, report)
	} else {
		err = checkText(c.process.Stdout, path, report)
	}
	if err != nil {
		return false, err
	}
	return report.Sound(), nil
}

// understand reads the arguments of a command that runs this program.
func (c *config) understand(args []string) (h externalaccount.Helper, err error) {
	s := &source{process: c.process}
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.SetOutput(io.Discard)
	s.bindProtocol(flags)
	if err := flags.Parse(args); err != nil {
		return h, err
	}
	if flags.NArg() > 0 {
		return h, fmt.Errorf("%q is no flag, and no verb goes into the command", flags.Arg(0))
	}
	if err := s.settings.Resolve(); err != nil {
		return h, err
	}
	if err := s.checkWaits(); err != nil {
		return h, err
	}
	return externalaccount.Helper{Deadline: s.timeout, Resource: s.resource+s.scope != "", OutputFile: s.outputFile}, nil
}

func checkText(w io.Writer, path string, r *externalaccount.Report) error {
	what := r.Source + " source"
	if r.Audience.Pool != "" {
		what += ", " + r.Audience.String()
	}
	if r.Account != "" {
		what += ", as " + r.Account
	}
	_, _ = fmt.Fprintf(w, "%s: %s\n\n", path, what)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(client, verdict string, f externalaccount.Finding) {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\n", client, verdict, cli.OneLine(f.Field+": "+f.Message+hint(f)))
	}
	everybody := "every client"
	for _, f := range r.ForAll() {
		line(everybody, "fails", f)
		everybody = ""
	}
	for _, client := range externalaccount.Clients() {
		name, verdict := string(client), "fails"
		if r.Unsupported(client) {
			verdict = "cannot"
		}
		own := r.Own(client)
		if len(own) == 0 && everybody != "" {
			_, _ = fmt.Fprintf(table, "%s\tworks\n", client)
		}
		for _, f := range own {
			line(name, verdict, f)
			name, verdict = "", ""
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for i, f := range r.Notes() {
		about := ""
		if len(f.Clients) > 0 {
			about = fmt.Sprintf(" (%s)", join(f.Clients))
		}
		if i == 0 {
			_, _ = fmt.Fprintln(w)
		}
		_, _ = fmt.Fprintf(w, "note%s: %s\n", about, cli.OneLine(f.Field+": "+f.Message+hint(f)))
	}
	return nil
}

func hint(f externalaccount.Finding) string {
	if f.Hint == "" {
		return ""
	}
	return "; " + f.Hint
}

func join(clients []externalaccount.Client) string {
	text := ""
	for i, c := range clients {
		if i > 0 {
			text += "; "
		}
		text += string(c)
	}
	return text
}

func checkJSON(w io.Writer, path string, r *externalaccount.Report) error {
	type verdict struct {
		Client externalaccount.Client `json:"client"`
		Works  bool                   `json:"works"`
	}
	document := struct {
		File     string                    `json:"file"`
		Source   string                    `json:"source"`
		Audience string                    `json:"audience,omitempty"`
		Account  string                    `json:"serviceAccount,omitempty"`
		Sound    bool                      `json:"sound"`
		Clients  []verdict                 `json:"clients"`
		Findings []externalaccount.Finding `json:"findings"`
	}{File: path, Source: r.Source, Account: r.Account, Sound: r.Sound(), Findings: r.Findings}
	if r.Audience.Pool != "" {
		document.Audience = r.Audience.String()
	}
	for _, client := range externalaccount.Clients() {
		document.Clients = append(document.Clients, verdict{client, r.Works(client)})
	}
	return cli.WriteJSON(w, document)
}
