package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	authentication "k8s.io/api/authentication/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// kubectl is `kubectl auth whoami` for the current context, by kubectl's own library.
func kubectl(ctx context.Context, args []string) error {
	if !slices.Equal(args, []string{"auth", "whoami"}) {
		return fmt.Errorf("nothing is known of %q", args)
	}
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(clientcmd.NewDefaultClientConfigLoadingRules(), nil).ClientConfig()
	if err != nil {
		return err
	}
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return err
	}
	review := authentication.SelfSubjectReview{}
	review.APIVersion, review.Kind = "authentication.k8s.io/v1", "SelfSubjectReview"
	body, err := json.Marshal(review)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, config.Host+"/apis/authentication.k8s.io/v1/selfsubjectreviews", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&review); err != nil || response.StatusCode != http.StatusCreated {
		return fmt.Errorf("%s: %w", response.Status, err)
	}
	fmt.Printf("ATTRIBUTE   VALUE\nUsername    %s\n", review.Status.UserInfo.Username)
	return nil
}
