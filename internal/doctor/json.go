package doctor

import (
	"encoding/json"
	"io"
	"strings"

	"github.com/idferry/idferry/internal/problem"
	"github.com/idferry/idferry/internal/token"
)

// JSON writes the report as one document. Its fields are described in docs/doctor-json.md; none is ever removed or given
// another meaning.
func (r *Report) JSON(w io.Writer) error {
	type trouble struct {
		Code    string   `json:"code"`
		Message string   `json:"message"`
		Said    string   `json:"said,omitempty"`
		Cause   string   `json:"cause,omitempty"`
		Mend    string   `json:"mend,omitempty"`
		Run     []string `json:"run,omitempty"`
		Wait    string   `json:"wait,omitempty"`
		See     string   `json:"see,omitempty"`
	}
	type hop struct {
		Name        string       `json:"name"`
		Status      Status       `json:"status"`
		Millis      int64        `json:"durationMillis"`
		Summary     string       `json:"summary,omitempty"`
		Fields      []Field      `json:"fields,omitempty"`
		Differences []Difference `json:"differences,omitempty"`
		Notes       []string     `json:"notes,omitempty"`
		Error       *trouble     `json:"error,omitempty"`
	}
	status := OK
	switch r.ExitCode() {
	case ExitMend:
		status = Failed
	case ExitUnknown:
		status = Unknown
	}
	document := struct {
		Program  string    `json:"program"`
		Version  string    `json:"version"`
		Status   Status    `json:"status"`
		Settings []Setting `json:"settings"`
		Hops     []hop     `json:"hops"`
	}{r.Program, r.Version, status, append([]Setting{}, r.Settings...), []hop{}}
	for _, h := range r.Hops {
		shown := hop{h.Name, h.Status, h.Took.Milliseconds(), h.Summary, h.Fields, h.Differences, h.Notes, nil}
		if p := h.Problem; p != nil {
			a := adviceOf(p)
			shown.Error = &trouble{p.Code, p.Message, p.Said, a.Cause, a.Mend, a.Run, a.Wait, a.See}
		}
		document.Hops = append(document.Hops, shown)
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(document); err != nil {
		return err
	}
	_, err := io.WriteString(w, token.NewRedactor().Clean(b.String()))
	return err
}

// adviceOf returns what is known of a failure; for one that the catalogue does not have, its hint.
func adviceOf(p *problem.Error) problem.Advice {
	if p.Advice != nil {
		return *p.Advice
	}
	return problem.Advice{Mend: p.Hint}
}
