package fakecloud

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Blob is the Blob service of one storage account: containers that can be listed and blobs that can be read and written,
// by a bearer token of Entra ID for storage.
// https://learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory
type Blob struct {
	*Server
	client  *http.Client
	jwksURL string
	tenant  string
	now     func() time.Time

	mu         sync.Mutex
	containers map[string]map[string][]byte
	// contributors may write too.
	readers, contributors []string
}

// StartBlob starts an account whose tenant's tokens are signed with the keys at jwksURL.
func StartBlob(ca *CA, jwksURL, tenant string, now func() time.Time) (*Blob, error) {
	b := &Blob{client: ca.Client(), jwksURL: jwksURL, tenant: tenant, now: now, containers: map[string]map[string][]byte{}}
	var err error
	b.Server, err = listen(ca, http.HandlerFunc(b.serve))
	return b, err
}

// Put stores a blob.
func (b *Blob) Put(container, name string, data []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.containers[container] == nil {
		b.containers[container] = map[string][]byte{}
	}
	b.containers[container][name] = data
}

// Grant gives a principal, by its object id, the role Storage Blob Data Reader.
func (b *Blob) Grant(objectID string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.readers = append(b.readers, objectID)
}

// GrantContributor gives a principal, by its object id, the role Storage Blob Data Contributor.
func (b *Blob) GrantContributor(objectID string) {
	b.Grant(objectID)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.contributors = append(b.contributors, objectID)
}

// Content returns a blob, nil where there is none.
func (b *Blob) Content(container, name string) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.containers[container][name]
}

func (b *Blob) refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("x-ms-error-code", code)
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `<?xml version="1.0" encoding="utf-8"?><Error><Code>%s</Code><Message>%s
RequestId:%s
Time:%s</Message></Error>`, code, message, newGUID(), b.now().UTC().Format("2006-01-02T15:04:05.0000000Z"))
}

// challenge names the tenant and the resource; azblob refuses a 401 without them.
func (b *Blob) challenge(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", "Bearer authorization_uri=https://login.microsoftonline.com/"+b.tenant+"/oauth2/authorize resource_id=https://storage.azure.com")
}

func (b *Blob) serve(w http.ResponseWriter, r *http.Request) {
	raw, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		b.challenge(w)
		b.refuse(w, http.StatusUnauthorized, "NoAuthenticationInformation", "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.")
		return
	}
	// The service knows bearer tokens since this version.
	if r.Header.Get("x-ms-version") < "2017-11-09" {
		b.refuse(w, http.StatusBadRequest, "InvalidHeaderValue", "The value for one of the HTTP headers is not in the correct format: x-ms-version.")
		return
	}
	oid, refused := b.authenticate(raw)
	if refused != "" {
		b.challenge(w)
		b.refuse(w, http.StatusUnauthorized, "InvalidAuthenticationInfo", "Server failed to authenticate the request. "+refused+". Please refer to the information in the www-authenticate header.")
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	write := r.Method == http.MethodPut
	if write && !slices.Contains(b.contributors, oid) || !slices.Contains(b.readers, oid) {
		b.refuse(w, http.StatusForbidden, "AuthorizationPermissionMismatch", "This request is not authorized to perform this operation using this permission.")
		return
	}
	container, blob, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	blobs, ok := b.containers[container]
	q := r.URL.Query()
	switch {
	case !ok:
		b.refuse(w, http.StatusNotFound, "ContainerNotFound", "The specified container does not exist.")
	case r.Method == http.MethodGet && q.Get("restype") == "container" && q.Get("comp") == "list":
		b.list(w, container, blobs)
	case r.Method == http.MethodGet && blob != "" && blobs[blob] != nil:
		w.Header().Set("Content-Type", "application/octet-stream")
		_, _ = w.Write(blobs[blob])
	case write && blob != "" && r.Header.Get("x-ms-blob-type") == "BlockBlob":
		data, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err != nil {
			b.refuse(w, http.StatusBadRequest, "IncompleteBody", "The request body is incomplete.")
			return
		}
		blobs[blob] = data
		w.Header().Set("Etag", `"0x8DA"`)
		w.Header().Set("Last-Modified", b.now().UTC().Format(http.TimeFormat))
		w.WriteHeader(http.StatusCreated)
	default:
		b.refuse(w, http.StatusNotFound, "BlobNotFound", "The specified blob does not exist.")
	}
}

// authenticate returns the object id of a token, or why it is refused in the service's words.
func (b *Blob) authenticate(raw string) (oid, refused string) {
	claims, err := verify(b.client, b.jwksURL, raw)
	if err != nil {
		return "", "Signature validation failed"
	}
	expires, _ := seconds(claims, "exp")
	from, _ := seconds(claims, "nbf")
	audience, _ := claims["aud"].(string)
	audience = strings.TrimSuffix(audience, "/")
	switch {
	case claims["iss"] != IssuerV1(b.tenant):
		return "", "Issuer validation failed"
	case audience != "https://storage.azure.com" && audience != b.URL && audience != "e406a681-f3d4-42a8-90b6-c2b029497af1":
		return "", "Audience validation failed"
	case !b.now().Before(expires) || b.now().Before(from.Add(-AssertionSkew)):
		return "", "Lifetime validation failed"
	}
	oid, _ = claims["oid"].(string)
	return oid, ""
}

type blobList struct {
	XMLName    xml.Name   `xml:"EnumerationResults"`
	Service    string     `xml:"ServiceEndpoint,attr"`
	Container  string     `xml:"ContainerName,attr"`
	Blobs      []blobItem `xml:"Blobs>Blob"`
	NextMarker string
}

type blobItem struct {
	Name       string
	Properties struct {
		LastModified  string `xml:"Last-Modified"`
		Etag          string
		ContentLength int    `xml:"Content-Length"`
		ContentType   string `xml:"Content-Type"`
		BlobType      string
	}
}

func (b *Blob) list(w http.ResponseWriter, container string, blobs map[string][]byte) {
	list := blobList{Service: b.URL + "/", Container: container}
	for name, data := range blobs {
		item := blobItem{Name: name}
		item.Properties.LastModified = b.now().UTC().Format(http.TimeFormat)
		item.Properties.Etag = "0x8DA"
		item.Properties.ContentLength, item.Properties.ContentType, item.Properties.BlobType = len(data), "text/plain", "BlockBlob"
		list.Blobs = append(list.Blobs, item)
	}
	slices.SortFunc(list.Blobs, func(a, c blobItem) int { return strings.Compare(a.Name, c.Name) })
	w.Header().Set("Content-Type", "application/xml")
	_, _ = w.Write([]byte(xml.Header))
	_ = xml.NewEncoder(w).Encode(list)
}
