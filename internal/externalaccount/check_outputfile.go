package externalaccount

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/idferry/idferry/internal/pluggable"
)

// checkOutputFile looks at what clients find before they run anything. They only read it, and most of them fail for good on
// what is no whole response, in place of running the command that would mend it.
func (r *Report) checkOutputFile(value any, s Surroundings) {
	const field = "credential_source.executable.output_file"
	path, ok := value.(string)
	if !ok || !filepath.IsAbs(path) {
		r.fails(field, fmt.Sprintf("%v is not an absolute path, and what writes it refuses that", value), "")
		return
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		r.fails(field, "its directory is missing, so that nothing can be written there", "mkdir -m 700 "+filepath.Dir(path))
		return
	}
	data, err := os.ReadFile(path)
	if err != nil || len(data) == 0 {
		return
	}
	var response struct {
		Version    *int   `json:"version"`
		Success    *bool  `json:"success"`
		Expiration *int64 `json:"expiration_time"`
		TokenType  string `json:"token_type"`
		IDToken    string `json:"id_token"`
	}
	remove := "rm " + path
	text := bytes.TrimSpace(data)
	if len(text) == 0 {
		r.fails(field, "white space is there, and these clients neither use nor replace it", remove, Go, Node, Java)
		return
	}
	if err := json.Unmarshal(text, &response); err != nil {
		r.fails(field, "what is there is no response, and these clients neither use nor replace it", remove, Go, Node, Java, PHP)
		return
	}
	// Go reads these too, and wants no other type of theirs.
	var more struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		SAML    string `json:"saml_response"`
	}
	if err := json.Unmarshal(text, &more); err != nil {
		r.fails(field, "what is there is no response, and this client neither uses nor replaces it", remove, Go)
		return
	}
	const part = "what is there is only a part of a response, and these clients neither use nor replace it"
	switch {
	case response.Version == nil || *response.Version == 0 || response.Success == nil:
		r.fails(field, part, remove, Go, Python, GCloud, Node, Java, PHP, Ruby)
	case *response.Success && (response.TokenType == "" || response.IDToken == ""):
		r.fails(field, part, remove, Go, Python, GCloud, Node, Java, PHP)
	case !*response.Success:
		r.fails(field, "a failure is written there, which this client shows for good", remove, Ruby)
	case response.Expiration == nil || *response.Expiration == 0:
		r.fails(field, "what is there does not say when it expires, and these clients neither use nor replace it", remove, Go, Node, Java, PHP)
	case *response.Version != pluggable.Version:
		r.fails(field, fmt.Sprintf("what is there is a response of version %d, and this client neither uses nor replaces it", *response.Version), remove, Go)
	case response.TokenType != pluggable.TypeJWT && response.TokenType != pluggable.TypeIDToken:
		r.fails(field, fmt.Sprintf("what is there has the token_type %q, and this client neither uses nor replaces it", response.TokenType), remove, Go)
	case *response.Expiration > s.Now().Unix():
		r.note(field, "clients use the token that is there until "+time.Unix(*response.Expiration, 0).UTC().Format(time.RFC3339)+", and run nothing", "")
	}
}
