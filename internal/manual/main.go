// Manual writes the pages of docs/ that are made from the code, so that they cannot say anything else:
//
//	go run ./internal/manual
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// pages are the generated ones, by their names in docs/.
func pages() map[string]string {
	return map[string]string{"troubleshooting.md": troubleshooting()}
}

func main() {
	for name, text := range pages() {
		if err := os.WriteFile(filepath.Join("docs", name), []byte(text), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
