package doctor

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/idferry/idferry/internal/token"
)

// Screen is where the text is read.
type Screen struct {
	// Width is the terminal's, in columns; zero where it is none, and then no line is broken.
	Width int
	// Colour and Unicode say what it can show.
	Colour, Unicode bool
}

// Printer writes a report for people as it grows.
type Printer struct {
	w        io.Writer
	screen   Screen
	redactor *token.Redactor
}

// NewPrinter writes to w.
func NewPrinter(w io.Writer, s Screen) *Printer { return &Printer{w, s, token.NewRedactor()} }

// nameWidth is the column in which what is said of a hop begins.
const nameWidth = 26

// Head writes what comes before the hops.
func (p *Printer) Head(r *Report) {
	p.line("%s %s", r.Program, r.Version)
	if len(r.Settings) == 0 {
		return
	}
	p.line("")
	name, value, from := 0, 0, 0
	for _, s := range r.Settings {
		name, value, from = max(name, utf8.RuneCountInString(s.Name)), max(value, utf8.RuneCountInString(s.Value)), max(from, utf8.RuneCountInString(s.From))
	}
	// In columns where there is room for three.
	if value = min(value, 48); p.screen.Width > 0 && name+value+from+len("      ") > p.screen.Width {
		value = 0
	}
	for _, s := range r.Settings {
		p.wrapped(fmt.Sprintf("  %-*s  ", name, s.Name), fmt.Sprintf("%-*s  %s", value, oneLine(s.Value), p.paint(faint, oneLine(s.From))))
	}
	p.line("")
}

// Hop writes one hop.
func (p *Printer) Hop(h *Hop) {
	took := ""
	if h.Took >= time.Millisecond {
		took = p.paint(faint, "  "+brief(h.Took))
	}
	summary := h.Summary
	if h.Problem != nil {
		summary = h.Problem.Coded()
	}
	mark := p.mark(h.Status)
	lead := fmt.Sprintf("%s %-*s", mark, nameWidth-utf8.RuneCountInString(plain(mark))-1, h.Name)
	p.wrapped(lead, strings.TrimSpace(oneLine(summary)+took))
	p.fields(h)
	for _, n := range h.Notes {
		p.wrapped("    note      ", oneLine(n))
	}
	if h.Problem == nil {
		return
	}
	a := adviceOf(h.Problem)
	if !strings.Contains(summary, h.Problem.Said) {
		p.row("said", h.Problem.Said)
	}
	p.row("cause", a.Cause)
	p.differences(h.Differences)
	p.row("mend", a.Mend)
	for i, command := range a.Run {
		// A command is never broken: it is there to be copied.
		name := "run"
		if i > 0 {
			name = "or"
		}
		p.line("    %-9s %s", name, p.paint(bold, oneLine(command)))
	}
	p.row("takes", a.Wait)
	p.row("see", a.See)
}

func (p *Printer) row(name, text string) {
	if text != "" {
		p.wrapped(fmt.Sprintf("    %-9s ", name), oneLine(text))
	}
}

func (p *Printer) fields(h *Hop) {
	width := 0
	for _, f := range h.Fields {
		width = max(width, utf8.RuneCountInString(f.Name))
	}
	for _, f := range h.Fields {
		p.wrapped(fmt.Sprintf("    %-*s  ", max(width, 8), f.Name), oneLine(f.Value))
	}
}

// differences puts what was presented above what is expected, so that a person sees where they part.
func (p *Printer) differences(all []Difference) {
	for _, d := range all {
		p.wrapped("    presented ", oneLine(d.Field+" "+d.Presented))
		why := ""
		if d.Why != "" {
			why = "  (" + oneLine(d.Why) + ")"
		}
		p.wrapped("    expected  ", oneLine(d.Field+" "+d.Expected)+why)
	}
}

// Foot writes what it comes to.
func (p *Printer) Foot(r *Report) {
	p.line("")
	first := r.First()
	switch code := r.ExitCode(); {
	case code == ExitWell:
		p.line("%s", p.paint(green, "all well"))
	case code == ExitUnknown:
		p.line("%s", p.paint(yellow, "nothing failed, and something could not be checked"))
	default:
		p.wrapped("", p.paint(red, "to mend: ")+oneLine(first.Name+" ("+first.Problem.Code+")"))
	}
}

type colour string

const (
	red    colour = "31"
	green  colour = "32"
	yellow colour = "33"
	bold   colour = "1"
	faint  colour = "2"
)

func (p *Printer) paint(c colour, text string) string {
	if !p.screen.Colour || text == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

func (p *Printer) mark(s Status) string {
	marks := map[Status][2]string{OK: {"✓", "ok"}, Warning: {"!", "! "}, Failed: {"✗", "X "}, Unknown: {"?", "? "}, Skipped: {"–", "- "}}
	m := marks[s][1]
	if p.screen.Unicode {
		m = marks[s][0]
	}
	return p.paint(map[Status]colour{OK: green, Warning: yellow, Failed: red, Unknown: yellow, Skipped: faint}[s], m)
}

// line is the one place through which text leaves, cleaned.
func (p *Printer) line(format string, args ...any) {
	_, _ = fmt.Fprintln(p.w, strings.TrimRight(p.redactor.Clean(fmt.Sprintf(format, args...)), " "))
}

// wrapped writes text after lead, and breaks it between words where the screen ends; further lines begin where the first
// one's text did.
func (p *Printer) wrapped(lead, text string) {
	indent := utf8.RuneCountInString(plain(lead))
	room := p.screen.Width - indent
	if p.screen.Width == 0 || room < 20 {
		p.line("%s%s", lead, text)
		return
	}
	current, used := lead, 0
	for _, word := range strings.Split(text, " ") {
		length := utf8.RuneCountInString(plain(word))
		if used > 0 && used+1+length > room {
			p.line("%s", current)
			current, used = strings.Repeat(" ", indent), 0
			if word == "" {
				continue
			}
		}
		if used > 0 {
			current += " "
			used++
		}
		current += word
		used += length
	}
	p.line("%s", current)
}

// plain is text without the colours that paint put there.
func plain(text string) string {
	for {
		before, rest, found := strings.Cut(text, "\x1b[")
		if !found {
			return text
		}
		_, after, _ := strings.Cut(rest, "m")
		text = before + after
	}
}

// oneLine is for every text that is not written here, before colours come to it.
func oneLine(s string) string { return token.Line(s) }

// brief is a duration as a hop shows it.
func brief(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
