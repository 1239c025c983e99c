// Clientgo asks an API server who it is, twice, and prints how that went as one JSON line.
//
//	clientgo KUBECONFIG
package main

import (
	"context"
	"os"

	authentication "k8s.io/api/authentication/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/idferry/idferry/conformance/azure/go/answer"
)

func main() {
	answer.Print("client-go", "k8s.io/client-go", "SelfSubjectReview", func(a *answer.Answer) error {
		config, err := clientcmd.BuildConfigFromFlags("", os.Args[1])
		if err != nil {
			return err
		}
		for range 2 {
			clients, err := kubernetes.NewForConfig(config)
			if err != nil {
				return err
			}
			review, err := clients.AuthenticationV1().SelfSubjectReviews().Create(context.Background(), &authentication.SelfSubjectReview{}, meta.CreateOptions{})
			if err != nil {
				return err
			}
			a.User = review.Status.UserInfo.Username
		}
		return nil
	})
}
