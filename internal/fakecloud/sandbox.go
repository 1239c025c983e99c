package fakecloud

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"time"

	"software.sslmate.com/src/go-pkcs12"
)

// What the sandbox holds. Ids are made up and recognisable.
const (
	SandboxTenant           = "11111111-1111-1111-1111-111111111111"
	SandboxOtherTenant      = "12121212-1212-1212-1212-121212121212"
	SandboxApp              = "33333333-3333-3333-3333-333333333333"
	SandboxAppOID           = "33333333-0000-0000-0000-00000000000d"
	SandboxSecret           = "sandbox~secret~value~0123456789"
	SandboxResource         = "api://idferry-sandbox"
	SandboxSystemOID        = "44444444-0000-0000-0000-00000000000d"
	SandboxUserClient       = "55555555-5555-5555-5555-555555555555"
	SandboxUserOID          = "55555555-0000-0000-0000-00000000000d"
	SandboxUserResource     = "/subscriptions/22222222-2222-2222-2222-222222222222/resourcegroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/reader"
	SandboxArcCluster       = "/subscriptions/22222222-2222-2222-2222-222222222222/resourceGroups/rg/providers/Microsoft.Kubernetes/connectedClusters/edge"
	SandboxAppServiceHeader = "853b9a84-5bfa-4b22-a3f3-0b9a43d9ad8a"
	SandboxFabricCode       = "912e4af7-77ba-4fa5-a737-56c8e3ace132"
	SandboxOtherFabricCode  = "a0f3c1de-55aa-4d0c-9b52-0c1e3ace1320"
	SandboxMSISecret        = "69418689F1E342DD946CB82994CDA3CB"
	SandboxShellOID         = "99999999-0000-0000-0000-00000000000d"
	SandboxSystemClient     = "44444444-4444-4444-4444-444444444444"
	SandboxContainer        = "data"
	SandboxJobToken         = "sandbox-job-token-0123456789"
	SandboxConnection       = "88888888-8888-8888-8888-888888888888"

	SandboxProject        = "sandbox-project"
	SandboxBucket         = "sandbox-bucket"
	SandboxAccount        = "reader@sandbox-project.iam.gserviceaccount.com"
	SandboxAccountID      = "115000000000000000001"
	SandboxOtherAccount   = "other@sandbox-project.iam.gserviceaccount.com"
	SandboxOtherAccountID = "115000000000000000002"
	SandboxProvider       = "//iam.googleapis.com/projects/123456789/locations/global/workloadIdentityPools/azure/providers/entra"

	// AssertionAudience is what Entra ID's public cloud wants a federated token to be made for.
	AssertionAudience = "api://AzureADTokenExchange"
)

const sandboxUser = "dev@example.com"

// Sandbox is both clouds with the trust between them that the README sets up: SandboxSystemOID, SandboxUserOID and
// SandboxApp may act as SandboxAccount and so query BigQuery; SandboxAccount, the service account prod/app
// of Cluster, the service connection of Pipelines and the workflow of GitHub stand for SandboxApp, which may read SandboxContainer and call Kubernetes.
type Sandbox struct {
	CA         *CA
	Entra      *Entra
	IMDS       *IMDS
	AppService *AppService
	// ArcAgent is a server's that is connected to Azure Arc.
	ArcAgent *ArcAgent
	// ServiceFabric runs two services, with the system-assigned and the user-assigned identity.
	ServiceFabric *ServiceFabric
	// AzureML and OldAppService have the endpoint of before IDENTITY_ENDPOINT.
	AzureML, OldAppService *MSI
	// CloudShell is somebody's, of the object id SandboxShellOID.
	CloudShell *CloudShell
	TokenProxy *TokenProxy
	Blob       *Blob
	// KeyVault has the secret app-secret: SandboxSecret, which SandboxSystemOID may read.
	KeyVault *KeyVault
	// ResourceManager is Azure Resource Manager.
	ResourceManager *ResourceManager
	Kubernetes      *Kubernetes
	// Arc is a cluster connected to Azure Arc, of the name SandboxArcCluster.
	Arc       *Kubernetes
	Pipelines *Pipelines
	GitHub    *GitHubOIDC
	Google    *Google
	// Cluster is trusted by Entra, OtherCluster is not.
	Cluster, OtherCluster *Cluster
	// CertificatePEM and CertificatePFX (password pfx-password) hold a key pair registered for SandboxApp.
	CertificatePEM, CertificatePFX []byte

	closers []func()
}

// StartSandbox starts everything. now is the clock of both clouds.
func StartSandbox(now func() time.Time) (_ *Sandbox, err error) {
	s := &Sandbox{}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if s.CA, err = NewCA(); err != nil {
		return nil, err
	}
	if err = s.startAzure(now); err != nil {
		return nil, err
	}
	if s.Google, err = StartGoogle(s.CA, now); err != nil {
		return nil, err
	}
	s.closers = append(s.closers, s.Google.Close)
	return s, s.trust()
}

func (s *Sandbox) startAzure(now func() time.Time) (err error) {
	if s.Entra, err = StartEntra(s.CA, now); err != nil {
		return err
	}
	s.closers = append(s.closers, s.Entra.Close)
	if s.IMDS, err = StartIMDS(s.Entra); err != nil {
		return err
	}
	s.closers = append(s.closers, s.IMDS.Close)
	if s.AppService, err = StartAppService(s.Entra, SandboxAppServiceHeader); err != nil {
		return err
	}
	s.closers = append(s.closers, s.AppService.Close)
	if err = s.startHosts(); err != nil {
		return err
	}
	if s.Blob, err = StartBlob(s.CA, s.Entra.JWKSURL(), SandboxTenant, now); err != nil {
		return err
	}
	s.closers = append(s.closers, s.Blob.Close)
	if s.KeyVault, err = StartKeyVault(s.CA, s.Entra.JWKSURL(), SandboxTenant, now); err != nil {
		return err
	}
	s.closers = append(s.closers, s.KeyVault.Close)
	if s.ResourceManager, err = StartResourceManager(s.CA, s.Entra.JWKSURL(), now); err != nil {
		return err
	}
	s.closers = append(s.closers, s.ResourceManager.Close)
	if s.Kubernetes, err = StartKubernetes(s.CA, s.Entra.JWKSURL(), IssuerV1(SandboxTenant), AKSServer, now); err != nil {
		return err
	}
	s.closers = append(s.closers, s.Kubernetes.Close)
	if s.Arc, err = StartKubernetes(s.CA, s.Entra.JWKSURL(), IssuerV1(SandboxTenant), AKSServer, now); err != nil {
		return err
	}
	s.Arc.host = SandboxArcCluster
	s.closers = append(s.closers, s.Arc.Close)
	if s.Pipelines, err = StartPipelines(s.CA, SandboxJobToken, SandboxConnection, now); err != nil {
		return err
	}
	s.closers = append(s.closers, s.Pipelines.Close)
	if s.GitHub, err = StartGitHubOIDC(s.CA, SandboxJobToken, now); err != nil {
		return err
	}
	s.closers = append(s.closers, s.GitHub.Close)
	for _, c := range []**Cluster{&s.Cluster, &s.OtherCluster} {
		if *c, err = StartCluster(s.CA, now); err != nil {
			return err
		}
		s.closers = append(s.closers, (*c).Close)
	}
	return nil
}

// trust makes both clouds trust each other.
func (s *Sandbox) trust() error {
	cert, err := s.newCertificate()
	if err != nil {
		return err
	}
	s.Entra.AddApplication(Application{
		TenantID: SandboxTenant, ClientID: SandboxApp, ObjectID: SandboxAppOID, Secrets: []string{SandboxSecret}, Certificates: []*x509.Certificate{cert}, PublicClient: true,
		Federated: []FederatedCredential{
			{Issuer: GoogleIssuer, Subject: SandboxAccountID, Audience: AssertionAudience, Name: "google"},
			{Issuer: s.Cluster.Issuer(), Subject: "system:serviceaccount:prod:app", Audience: AssertionAudience, Name: "cluster"},
			{Issuer: PipelinesIssuer, Subject: PipelinesSubject, Audience: AssertionAudience, Name: "pipelines"},
			{Issuer: GitHubIssuer, Subject: GitHubSubject, Audience: AssertionAudience, Name: "github"},
		},
	})
	// The application is known in a second tenant too.
	s.Entra.AddApplication(Application{
		TenantID: SandboxOtherTenant, ClientID: SandboxApp, ObjectID: "33333333-0000-0000-0000-0000000000d2",
		Federated: []FederatedCredential{{Issuer: GoogleIssuer, Subject: SandboxAccountID, Audience: AssertionAudience, Name: "google"}, {Issuer: GoogleIssuer, Subject: SandboxAccountID, Audience: "api://AzureADTokenExchangeChina", Name: "google-china"}},
	})
	s.Entra.AddApplication(Application{TenantID: SandboxTenant, ClientID: "66666666-6666-6666-6666-666666666666", ObjectID: "66666666-0000-0000-0000-00000000000d", AppIDURI: SandboxResource})
	s.Entra.AddApplication(Application{TenantID: SandboxTenant, ClientID: "77777777-7777-7777-7777-777777777777", ObjectID: "77777777-0000-0000-0000-00000000000d", AppIDURI: "https:" + SandboxProvider})
	s.Entra.TrustIssuer(GoogleIssuer, s.Google.JWKSURL)
	s.Entra.TrustIssuer(s.Cluster.Issuer(), s.Cluster.JWKSURL())
	s.Entra.TrustIssuer(PipelinesIssuer, s.Pipelines.JWKSURL())
	s.Entra.TrustIssuer(GitHubIssuer, s.GitHub.JWKSURL())
	system := ManagedIdentity{Application: Application{TenantID: SandboxTenant, ClientID: SandboxSystemClient, ObjectID: SandboxSystemOID}}
	user := ManagedIdentity{Application: Application{TenantID: SandboxTenant, ClientID: SandboxUserClient, ObjectID: SandboxUserOID}, ResourceID: SandboxUserResource}
	for _, assign := range []func(ManagedIdentity){s.IMDS.Assign, s.AppService.Assign, s.ArcAgent.Assign, s.AzureML.Assign, s.OldAppService.Assign} {
		assign(system)
		assign(user)
	}
	s.ServiceFabric.Activate(SandboxFabricCode, system)
	s.ServiceFabric.Activate(SandboxOtherFabricCode, user)
	s.Blob.Put(SandboxContainer, "2026/10/report.csv", []byte("a,b\n"))
	s.Blob.Put(SandboxContainer, "2026/11/report.csv", []byte("a,b\n"))
	s.Blob.Grant(SandboxAppOID)
	s.KeyVault.Put("app-secret", SandboxSecret)
	s.KeyVault.Grant(SandboxSystemOID)

	s.Google.AddServiceAccount(ServiceAccount{Email: SandboxAccount, UniqueID: SandboxAccountID, ProjectID: SandboxProject})
	s.Google.AddServiceAccount(ServiceAccount{Email: SandboxOtherAccount, UniqueID: SandboxOtherAccountID, ProjectID: SandboxProject})
	s.Google.SetInstance(s.instance())
	s.Google.Bind("serviceAccount:"+SandboxAccount, RoleOpenIDTokenCreator, SandboxAccount)
	s.Google.Bind("serviceAccount:"+SandboxAccount, RoleOpenIDTokenCreator, SandboxOtherAccount)
	s.Google.GrantBigQuery("serviceAccount:"+SandboxAccount, SandboxProject)
	s.Google.GrantStorage("serviceAccount:"+SandboxAccount, SandboxBucket)
	for _, oid := range []string{SandboxSystemOID, SandboxUserOID, SandboxAppOID} {
		s.Google.Bind("principal:"+SandboxProvider[:len(SandboxProvider)-len("/providers/entra")]+"/subject/"+oid, RoleWorkloadIdentityUser, SandboxAccount)
	}
	return s.Google.AddProvider(OIDCProvider{
		Audience: SandboxProvider, Issuer: IssuerV1(SandboxTenant), JWKSURL: s.Entra.JWKSURL(), AllowedAudiences: []string{SandboxResource},
	})
}

func (s *Sandbox) instance() GoogleInstance {
	return GoogleInstance{
		ServiceAccount: SandboxAccount, ProjectID: SandboxProject, ProjectNumber: 123456789, Name: "vm-1", Zone: "europe-west1-b", ID: 4520031799277581759, Created: time.Unix(1790000000, 0),
		Scopes: []string{cloudPlatformScope},
	}
}

func (s *Sandbox) newCertificate() (*x509.Certificate, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "sandbox app"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	s.CertificatePEM = append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	s.CertificatePFX, err = pkcs12.Modern.Encode(key, cert, nil, "pfx-password")
	return cert, err
}

// AppServiceEndpoint is the value of IDENTITY_ENDPOINT.
func (s *Sandbox) AppServiceEndpoint() string { return s.AppService.Endpoint() }

// ProjectedToken is the token that kubelet projects into the pod of the service account prod/app.
func (s *Sandbox) ProjectedToken(lifetime time.Duration) (string, error) {
	return s.Cluster.Token("prod", "app", AssertionAudience, lifetime)
}

// SubjectToken is a token of the system-assigned identity for SandboxResource, as Google's Security Token Service is handed it.
func (s *Sandbox) SubjectToken() (string, error) {
	return s.Entra.mint(Application{TenantID: SandboxTenant, ClientID: SandboxSystemClient, ObjectID: SandboxSystemOID}, SandboxResource, byCertificate)
}

// UserCredentials is the Application Default Credentials file of a person who may mint ID tokens of SandboxAccount.
func (s *Sandbox) UserCredentials() ([]byte, error) {
	s.Google.Bind("user:"+sandboxUser, RoleTokenCreator, SandboxAccount)
	return s.Google.AddUser(GoogleUser{
		Email: sandboxUser, Subject: "118000000000000000009", ClientID: "sandbox.apps.googleusercontent.com", ClientSecret: "sandbox-client-secret", RefreshToken: "1//sandbox-refresh-token",
	})
}

// WithoutIdentityEndpoint makes the metadata server one of Cloud Build: access tokens only, with scopes where some are named.
func (s *Sandbox) WithoutIdentityEndpoint(scopes ...string) error {
	i := s.instance()
	i.WithoutIdentity = true
	if len(scopes) > 0 {
		i.Scopes = scopes
	}
	s.Google.SetInstance(i)
	return nil
}

// Close stops everything.
func (s *Sandbox) Close() {
	for _, stop := range s.closers {
		stop()
	}
	s.closers = nil
}
