package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

// administer is az or gcloud in the shell of whoever administers the sandbox.
func administer(ctx context.Context, name string, args []string) error {
	address, err := required("IDFERRY_ADMIN")
	if err != nil {
		return err
	}
	body, err := json.Marshal(append([]string{name}, args...))
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	// It is on loopback, whatever proxy there is.
	response, err := (&http.Client{Transport: &http.Transport{}}).Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s", strings.TrimSpace(string(answer)))
	}
	if len(answer) > 0 {
		_, err = fmt.Fprintln(os.Stdout, strings.TrimSuffix(string(answer), "\n"))
	}
	return err
}
