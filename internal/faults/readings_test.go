package faults

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
)

// watch finds a run of any secret in a text, also where the text has it encoded.
type watch struct {
	runs map[[run12]byte]bool
	// begin are the ends of hashes of those runs' first bytes: most of a text is none of them.
	begin [1 << 16]bool
}

func newWatch(secrets []string) *watch {
	w := &watch{runs: map[[run12]byte]bool{}}
	for _, s := range secrets {
		for _, form := range []string{s, strings.ReplaceAll(s, "\n", "")} {
			for i := 0; i+run12 <= len(form); i++ {
				run := [run12]byte([]byte(form[i : i+run12]))
				w.runs[run] = true
				w.begin[beginning(form[i:])] = true
			}
		}
	}
	return w
}

func beginning(s string) uint16 {
	return uint16(s[0]) ^ uint16(s[1])<<3 ^ uint16(s[2])<<6 ^ uint16(s[3])<<8
}

// seen returns the first run of a secret in text, with how it is to be read, or "".
func (w *watch) seen(text string) string {
	for _, r := range readings(text) {
		for i := 0; i+run12 <= len(r.text); i++ {
			if w.begin[beginning(r.text[i:])] && w.runs[[run12]byte([]byte(r.text[i:i+run12]))] {
				return fmt.Sprintf("%q%s", r.text[i:i+run12], r.how)
			}
		}
	}
	return ""
}

// reading is what a text says, and how it is read.
type reading struct{ how, text string }

// readings are a text and what it says to whoever undoes an encoding or two: of JSON, HTML, URLs, PowerShell and dumps.
func readings(text string) []reading {
	all := []reading{{"", text}}
	for level, from := 0, 0; level < 2; level++ {
		upTo := len(all)
		for _, r := range all[from:upTo] {
			for _, d := range decodings() {
				if t := d.decode(r.text); t != "" && t != r.text {
					all = append(all, reading{r.how + ", " + d.name, t})
				}
			}
		}
		from = upTo
	}
	return all
}

type decoding struct {
	name   string
	decode func(string) string
}

var (
	percented = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)
	escaped   = regexp.MustCompile(`\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|([^ux]))`)
	hexed     = regexp.MustCompile(`[0-9A-Fa-f]{24,}`)
	based     = regexp.MustCompile(`[A-Za-z0-9+/_-]{16,}`)
)

func decodings() []decoding {
	return []decoding{
		{"in one line", func(s string) string { return strings.NewReplacer("\r", "", "\n", "").Replace(s) }},
		{"of percent-encoding", func(s string) string {
			return percented.ReplaceAllStringFunc(s, func(e string) string { return code(e[1:]) })
		}},
		{"of escapes", func(s string) string {
			return escaped.ReplaceAllStringFunc(s, func(e string) string {
				switch m := escaped.FindStringSubmatch(e); {
				case m[1]+m[2] != "":
					return code(m[1] + m[2])
				case m[3] == "n" || m[3] == "r":
					return "\n"
				default:
					return m[3]
				}
			})
		}},
		{"of HTML", html.UnescapeString},
		{"of UTF-16", func(s string) string { return strings.ReplaceAll(s, "\x00", "") }},
		{"of hexadecimal", func(s string) string {
			return decoded(hexed.FindAllString(s, -1), 2, func(digits string) []byte {
				raw, _ := hex.DecodeString(digits[:len(digits)&^1])
				return raw
			})
		}},
		{"of base64", func(s string) string {
			return decoded(based.FindAllString(s, -1), 4, func(run string) []byte {
				raw, _ := base64.RawStdEncoding.DecodeString(strings.NewReplacer("-", "+", "_", "/").Replace(run[:len(run)&^3]))
				return raw
			})
		}},
	}
}

func code(digits string) string {
	n, _ := strconv.ParseUint(digits, 16, 16)
	if len(digits) == 2 {
		return string([]byte{byte(n)})
	}
	return string(rune(n))
}

// decoded is what every run says, read from each of its first places.
func decoded(runs []string, places int, decode func(string) []byte) string {
	var text strings.Builder
	for _, run := range runs {
		for i := range places {
			text.Write(decode(run[i:]))
			text.WriteByte('\n')
		}
	}
	return text.String()
}

func TestASecretIsSeenInWhateverFormItIsWritten(t *testing.T) {
	const secret = `sandbox~"secret"+value/0123456789`
	w := newWatch([]string{secret})
	part := secret[9:24]
	var wide []byte
	for _, u := range utf16.Encode([]rune(part)) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	var percent, entity, unicode strings.Builder
	for _, b := range []byte(part) {
		_, _ = fmt.Fprintf(&percent, "%%%02X", b)
		_, _ = fmt.Fprintf(&entity, "&#%d;", b)
		_, _ = fmt.Fprintf(&unicode, `\u%04x`, b)
	}
	for name, text := range map[string]string{
		"plain": part, "percent": percent.String(), "HTML": entity.String(), "JSON": unicode.String(), "quoted": strconv.Quote(part), "twice": strconv.Quote(strconv.Quote(part)),
		"UTF-16": string(wide), "hexadecimal": "0" + hex.EncodeToString([]byte(part)), "base64": "x" + base64.StdEncoding.EncodeToString([]byte(part)),
		"base64url": base64.RawURLEncoding.EncodeToString([]byte("xy" + part)), "UTF-16 in base64": base64.StdEncoding.EncodeToString(wide), "two lines": part[:5] + "\n" + part[5:],
	} {
		if w.seen("before it "+text+" behind it") == "" {
			t.Errorf("%s is not seen: %q", name, text)
		}
	}
	for _, text := range []string{secret[:run12-1], "nothing", strings.Repeat("QUJD", 40), ""} {
		if seen := w.seen(text); seen != "" {
			t.Errorf("%s is seen in %q", seen, text)
		}
	}
}
