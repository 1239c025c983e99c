package cli

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/idferry/idferry/internal/catalogue"
	"github.com/idferry/idferry/internal/doctor"
	"github.com/idferry/idferry/internal/problem"
)

// Doctor are the flags and the frame of the verb `doctor`, the same for both programs.
type Doctor struct {
	AsJSON  bool
	Explain string
}

// Bind adds the flags.
func (d *Doctor) Bind(flags *pflag.FlagSet) {
	flags.BoolVar(&d.AsJSON, "json", false, "as a JSON object (docs/doctor-json.md)")
	flags.StringVar(&d.Explain, "explain", "", "explain the text of an error that another program showed, and examine nothing")
}

// longest is what an examination may take, whatever $IDFERRY_TIMEOUT says for calls: a person waits for it.
const longest = 14 * time.Second

// Run examines within limit, shows what is found, and returns the exit code.
func (d *Doctor) Run(ctx context.Context, p Process, limit time.Duration, r doctor.Report, walk func(*doctor.Examination)) (int, error) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	if limit <= 0 || limit > longest {
		limit = longest
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if d.AsJSON {
		x := doctor.Begin(ctx, p.Now, r, nil)
		walk(x)
		return x.ExitCode(), x.JSON(p.Stdout)
	}
	printer := doctor.NewPrinter(p.Stdout, p.screen())
	x := doctor.Begin(ctx, p.Now, r, printer.Hop)
	printer.Head(&x.Report)
	walk(x)
	printer.Foot(&x.Report)
	return x.ExitCode(), nil
}

// ExplainText says what is known of the error that --explain names.
func (d *Doctor) ExplainText(p Process, known []catalogue.Entry) (int, error) {
	found := doctor.Recognize(d.Explain, known)
	if len(found) == 0 {
		return ExitMisuse, problem.Input("--explain", "no error that is known here is in this text").
			WithHint("give the whole text with its code, for example AADSTS700213 or invalid_grant; all that are known: docs/troubleshooting.md")
	}
	r := doctor.Report{Program: p.Name}
	for _, e := range found {
		said := &problem.Error{Code: e.Code, Message: e.Code}
		r.Hops = append(r.Hops, &doctor.Hop{Name: "what it means", Status: doctor.Failed, Problem: said.WithAdvice(e.Advice(nil))})
	}
	if d.AsJSON {
		return ExitOK, r.JSON(p.Stdout)
	}
	printer := doctor.NewPrinter(p.Stdout, p.screen())
	for _, h := range r.Hops {
		printer.Hop(h)
	}
	return ExitOK, nil
}

// screen says what stdout can show. https://no-color.org
func (p Process) screen() doctor.Screen {
	s := doctor.Screen{Unicode: true}
	if p.Columns != nil {
		s.Width = p.Columns()
	}
	s.Colour = s.Width > 0 && p.Getenv("NO_COLOR") == "" && p.Getenv("TERM") != "dumb" && (runtime.GOOS != "windows" || p.Getenv("WT_SESSION")+p.Getenv("TERM") != "")
	locale := p.Getenv("LC_ALL")
	for _, name := range []string{"LC_CTYPE", "LANG"} {
		if locale == "" {
			locale = p.Getenv(name)
		}
	}
	// A locale that names another character set cannot show the marks; none at all is a pipe, a container or Windows.
	if locale != "" && !strings.Contains(strings.ToLower(strings.ReplaceAll(locale, "-", "")), "utf8") {
		s.Unicode = false
	}
	return s
}
