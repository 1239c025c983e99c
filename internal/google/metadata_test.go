package google

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/idferry/idferry/internal/fakecloud"
	"github.com/idferry/idferry/internal/problem"
)

func TestMetadataTokenWithSixMinutesLeftExpiresInSixMinutes(t *testing.T) {
	w := newWorld(t)
	w.instance(runner)
	w.takeFor(w.settings("metadata"), "metadata", runner)
	w.ahead.Store(int64(54 * time.Minute))
	_, got, _, err := w.take(w.settings("metadata"))
	if err != nil {
		t.Fatal(err)
	}
	if left := got.ExpiresOn.Sub(w.now()); left != 6*time.Minute {
		t.Errorf("%s left", left)
	}
}

func TestMetadataOfAnAccountByName(t *testing.T) {
	w := newWorld(t)
	w.instance(runner)
	s := w.settings("metadata")
	s.ServiceAccount = runner
	w.takeFor(s, "metadata", runner)
	s.ServiceAccount = deployer
	_, _, _, err := w.take(s)
	refused(t, err, problem.NoIdentity, deployer, "--google-source impersonation --impersonate-service-account "+deployer)
}

// https://github.com/GoogleCloudPlatform/cloud-builders/issues/80
func TestCloudBuildWithoutIdentityEndpoint(t *testing.T) {
	w := newWorld(t)
	w.instance(runner, func(i *fakecloud.GoogleInstance) { i.WithoutIdentity = true })
	_, _, _, err := w.take(w.settings("metadata"))
	refused(t, err, "PERMISSION_DENIED", "Permission 'iam.serviceAccounts.getOpenIdToken' denied",
		"gcloud iam service-accounts add-iam-policy-binding "+runner, "--member=serviceAccount:"+runner+"", "--role="+openIDTokenCreator)

	w.cloud.Bind("serviceAccount:"+runner, fakecloud.RoleOpenIDTokenCreator, runner)
	w.takeFor(w.settings("metadata"), "metadata", runner)
	w.takeFor(w.settings("auto"), "metadata", runner)
}

func TestMachineWithNarrowScopes(t *testing.T) {
	w := newWorld(t)
	w.instance(runner, func(i *fakecloud.GoogleInstance) {
		i.WithoutIdentity, i.Scopes = true, []string{"https://www.googleapis.com/auth/devstorage.read_only"}
	})
	_, _, _, err := w.take(w.settings("metadata"))
	refused(t, err, "PERMISSION_DENIED", "insufficient authentication scopes", "--scopes=cloud-platform")
}

func TestMachineWithoutServiceAccount(t *testing.T) {
	w := newWorld(t)
	w.instance("")
	_, _, _, err := w.take(w.settings("metadata"))
	refused(t, err, problem.NoIdentity, "none is attached", "gcloud compute instances set-service-account")
}

func TestPodWithoutGoogleAccount(t *testing.T) {
	w := newWorld(t)
	w.instance("", func(i *fakecloud.GoogleInstance) { i.GKE = true })
	_, _, _, err := w.take(w.settings("metadata"))
	refused(t, err, problem.NoIdentity, "sample-project.svc.id.goog", "iam.gke.io/gcp-service-account=EMAIL")

	const pod = "principal://iam.googleapis.com/projects/42/locations/global/workloadIdentityPools/sample-project.svc.id.goog/subject/ns/default/sa/default"
	s := w.settings("impersonation")
	s.ServiceAccount = deployer
	_, _, _, err = w.take(s)
	refused(t, err, "PERMISSION_DENIED", "--member="+strings.Replace(pod, "/ns/default/sa/default", "/ns/NAMESPACE/sa/NAME", 1)+"")
	w.cloud.Bind(pod, fakecloud.RoleWorkloadIdentityUser, deployer)
	w.takeFor(s, "impersonation", deployer)
}

func TestImpersonationFromTheMachine(t *testing.T) {
	w := newWorld(t)
	w.instance(runner)
	for _, source := range []string{"auto", "impersonation"} {
		s := w.settings(source)
		// The machine's own account needs nobody's leave.
		s.ServiceAccount = runner
		w.takeFor(s, "impersonation", runner)
		if asked := w.cloud.IAM.Requests(); len(asked) != 0 {
			t.Errorf("IAM Credentials asked: %+v", asked)
		}
	}
	s := w.settings("auto")
	s.ServiceAccount = deployer
	_, _, _, err := w.take(s)
	refused(t, err, "PERMISSION_DENIED", "--member=serviceAccount:"+runner+"", deployer)
	w.cloud.Bind("serviceAccount:"+runner, fakecloud.RoleOpenIDTokenCreator, deployer)
	w.takeFor(s, "impersonation", deployer)
}

func TestSomethingElseAnswersAtTheMetadataAddress(t *testing.T) {
	w := newWorld(t)
	for name, handler := range map[string]http.HandlerFunc{
		"another cloud":  func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "not found", http.StatusNotFound) },
		"a sign-in page": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>sign in</html>")) },
	} {
		t.Run(name, func(t *testing.T) {
			w.cloud.Metadata.Answer(handler)
			_, _, _, err := w.take(w.settings("metadata"))
			refused(t, err, problem.BadAnswer, "not Google's metadata server", "--google-source")
		})
	}
}

func TestMetadataServerThatRefusesOrAnswersNonsense(t *testing.T) {
	w := newWorld(t)
	w.cloud.Metadata.Answer(answer(403, "text/plain", "no.\nnot you"))
	_, _, _, err := w.take(w.settings("metadata"))
	refused(t, err, problem.Refused, "answered 403: no. not you")
	for _, body := range []string{"", "<html></html>", "a.b.c"} {
		w.cloud.Metadata.Answer(answer(200, "text/html", body))
		_, _, _, err = w.take(w.settings("metadata"))
		refused(t, err, problem.BadAnswer, "not a JSON Web Token")
	}
}

// Its account's address goes into a path and into what people read.
func TestAMetadataServerWithoutAnAddress(t *testing.T) {
	w := newWorld(t)
	w.cloud.Metadata.Answer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Metadata-Flavor", "Google")
		switch {
		case strings.HasSuffix(r.URL.Path, "/email"):
			_, _ = rw.Write([]byte("a@b\x1b[2J"))
		case strings.HasSuffix(r.URL.Path, "/identity"):
			http.NotFound(rw, r)
		}
	}))
	_, _, _, err := w.take(w.settings("metadata"))
	refused(t, err, problem.BadAnswer, `it answers "a@b\x1b[2J"`)
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type timeout struct{}

func (timeout) Error() string   { return "i/o timeout" }
func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }

func TestConnectThatTimesOutIsNotRepeated(t *testing.T) {
	w := newWorld(t)
	tries := 0
	client := &http.Client{Transport: transportFunc(func(*http.Request) (*http.Response, error) {
		tries++
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: timeout{}}
	})}
	s := w.settings("metadata")
	s.HTTP = client
	_, _, _, err := w.take(s)
	refused(t, err, problem.Unreachable, "no answer within 2s", "choose another --google-source")
	s.Source = "auto"
	_, _, _, err = w.take(s)
	refused(t, err, problem.NoIdentity, "no metadata server answers")
	if tries != 2 {
		t.Errorf("%d tries", tries)
	}
}

func TestDeadlineWhileTheMetadataServerIsSilent(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(context.Background())
	w.cloud.Metadata.Answer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}))
	i, err := New(w.settings("auto"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = i.Token(ctx)
	refused(t, err, problem.DeadlineExceeded, "metadata server")
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
