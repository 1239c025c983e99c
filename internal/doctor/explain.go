package doctor

import (
	"strings"

	"github.com/idferry/idferry/internal/catalogue"
)

// Recognize finds the entries of which code and phrases are in a text that another program showed. Those that ask most of
// the text come alone.
func Recognize(text string, entries []catalogue.Entry) []catalogue.Entry {
	var found []catalogue.Entry
	most := 0
	for _, e := range entries {
		if !mentions(text, e.Code) {
			continue
		}
		if _, ok := catalogue.Find([]catalogue.Entry{e}, e.Code, text); !ok {
			continue
		}
		if weight := len(e.Says); weight > most {
			found, most = nil, weight
		} else if weight < most {
			continue
		}
		found = append(found, e)
	}
	return found
}

// mentions reports whether code stands in text by itself, and not as the beginning of a longer one (AADSTS70021).
func mentions(text, code string) bool {
	for {
		at := strings.Index(text, code)
		if at < 0 {
			return false
		}
		text = text[at+len(code):]
		if text == "" || !strings.ContainsRune("0123456789", rune(text[0])) {
			return true
		}
	}
}
