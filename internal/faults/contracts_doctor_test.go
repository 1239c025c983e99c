package faults

import (
	"encoding/json"
	"fmt"
)

// examination is doctor's document. It is for persons and for machines, and holds no token.
func examination(program string, args ...string) contract {
	return contract{
		name: "doctor --json", program: program, as: program, asksAnew: true,
		args: func(hop) []string { return append([]string{"doctor", "--json"}, args...) },
		read: func(_ *machine, r result) (outcome, error) { return readExamination(r) },
	}
}

func readExamination(r result) (outcome, error) {
	if len(r.stderr) > 0 {
		return outcome{}, fmt.Errorf("on stderr %q", r.stderr)
	}
	type trouble struct{ Code, Message string }
	type step struct {
		Name, Status string
		Error        *trouble
	}
	var report struct {
		Program  string
		Version  string
		Status   string
		Settings []json.RawMessage
		Hops     []json.RawMessage
	}
	if err := oneDocument(r.stdout, &report); err != nil {
		return outcome{}, err
	}
	if codes := map[string]int{"ok": 0, "failed": 1, "unknown": 2}; codes[report.Status] != r.code {
		return outcome{}, fmt.Errorf("exit code %d with status %q", r.code, report.Status)
	}
	if report.Status == "ok" {
		return outcome{well: true}, nil
	}
	// The first cross is the cause.
	for _, raw := range report.Hops {
		var s step
		if err := json.Unmarshal(raw, &s); err != nil {
			return outcome{}, err
		}
		if s.Error != nil {
			return outcome{problem: s.Error.Code, said: s.Name + ": " + s.Error.Message}, nil
		}
	}
	return outcome{}, fmt.Errorf("status %q without an error: %s", report.Status, r.stdout)
}
