package fakecloud

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// bucket is what Storage keeps of one: the names and contents of its objects, and who may use it.
type bucket struct {
	objects map[string][]byte
	members []string
}

const storageScope = "https://www.googleapis.com/auth/devstorage.read_write"

// GrantStorage creates a bucket where there is none and lets a member write and list its objects (roles/storage.objectUser).
func (g *Google) GrantStorage(member, name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	b := g.buckets[name]
	if b == nil {
		b = &bucket{objects: map[string][]byte{}}
		g.buckets[name] = b
	}
	b.members = append(b.members, member)
}

// PutObject stores an object in a bucket that is there.
func (g *Google) PutObject(bucket, name string, content []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.buckets[bucket].objects[name] = content
}

// storageCall is what a request is about.
type storageCall struct {
	bucket string
	// object is "" where it is about a bucket.
	object string
	// permission is what it needs, "" where it is about nothing known.
	permission string
	// attributes are asked for in place of the content.
	attributes bool
}

func readStorageCall(r *http.Request) storageCall {
	path, upload := strings.CutPrefix(r.URL.Path, "/upload")
	path, isJSON := strings.CutPrefix(path, "/storage/v1/b/")
	bucket, object, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	get := r.Method == http.MethodGet && !upload
	if !isJSON {
		if get && object != "" {
			return storageCall{bucket: bucket, object: object, permission: "storage.objects.get"}
		}
		return storageCall{}
	}
	collection, object, isObject := strings.Cut(object, "/")
	switch {
	case collection != "o":
	case isObject && get:
		return storageCall{bucket: bucket, object: object, permission: "storage.objects.get", attributes: true}
	case !isObject && upload && r.Method == http.MethodPost:
		return storageCall{bucket: bucket, permission: "storage.objects.create"}
	case !isObject && get:
		return storageCall{bucket: bucket, permission: "storage.objects.list"}
	}
	return storageCall{}
}

// serveStorage answers objects.insert, for an upload in one request, objects.get and objects.list of the JSON API, and GET
// of the XML API, by which Go's library reads.
// https://cloud.google.com/storage/docs/json_api/v1/objects, https://cloud.google.com/storage/docs/xml-api/get-object-download
func (g *Google) serveStorage(w http.ResponseWriter, r *http.Request) {
	call := readStorageCall(r)
	if call.permission == "" {
		htmlError(w, http.StatusNotFound, "The requested URL <code>"+escaped(r)+"</code> was not found on this server.")
		return
	}
	caller, ok := g.authenticate(w, r, "storage.googleapis.com", storageScope, "https://www.googleapis.com/auth/devstorage.full_control", cloudPlatformScope)
	if !ok {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	b := g.buckets[call.bucket]
	switch {
	case b == nil:
		storageError(w, http.StatusNotFound, "notFound", "The specified bucket does not exist.")
	case !slices.ContainsFunc(b.members, func(m string) bool { return memberCovers(m, caller.principal) }):
		storageError(w, http.StatusForbidden, "forbidden", fmt.Sprintf("%s does not have %s access to the Google Cloud Storage bucket. "+
			"Permission '%s' denied on resource (or it may not exist).", strings.TrimPrefix(caller.principal, "serviceAccount:"), call.permission, call.permission))
	case call.permission == "storage.objects.create":
		g.insertObject(w, r, call.bucket, b)
	case call.attributes && b.objects[call.object] == nil:
		storageError(w, http.StatusNotFound, "notFound", "No such object: "+call.bucket+"/"+call.object)
	case call.attributes:
		writeJSON(w, http.StatusOK, g.object(call.bucket, call.object, b.objects[call.object]))
	case call.object != "" && b.objects[call.object] == nil:
		w.Header().Set("Content-Type", "application/xml; charset=UTF-8")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte("<?xml version='1.0' encoding='UTF-8'?><Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>"))
	case call.object != "":
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("X-Goog-Generation", "1")
		_, _ = w.Write(b.objects[call.object])
	default:
		items := []map[string]any{}
		for object, content := range b.objects {
			items = append(items, g.object(call.bucket, object, content))
		}
		slices.SortFunc(items, func(a, b map[string]any) int { return strings.Compare(a["name"].(string), b["name"].(string)) })
		writeJSON(w, http.StatusOK, map[string]any{"kind": "storage#objects", "items": items})
	}
}

func (g *Google) insertObject(w http.ResponseWriter, r *http.Request, name string, b *bucket) {
	object, content, err := readUpload(r)
	if err != nil {
		storageError(w, http.StatusBadRequest, "invalid", err.Error())
		return
	}
	b.objects[object] = content
	writeJSON(w, http.StatusOK, g.object(name, object, content))
}

// readUpload reads a multipart upload: the object's metadata, then its content.
func readUpload(r *http.Request) (object string, content []byte, err error) {
	// gcloud storage quotes the boundary as Python does a string, which no RFC has and the real service takes.
	kind, parameters, err := mime.ParseMediaType(strings.ReplaceAll(r.Header.Get("Content-Type"), "'", `"`))
	if err != nil || kind != "multipart/related" || r.URL.Query().Get("uploadType") != "multipart" {
		return "", nil, errors.New("this stand-in takes uploadType=multipart only")
	}
	parts := multipart.NewReader(io.LimitReader(r.Body, 1<<20), parameters["boundary"])
	var metadata struct {
		Name string `json:"name"`
	}
	for n := range 2 {
		part, err := parts.NextPart()
		if err != nil {
			return "", nil, err
		}
		data, err := io.ReadAll(part)
		if err != nil {
			return "", nil, err
		}
		if n == 1 {
			content = data
		} else if err := json.Unmarshal(data, &metadata); err != nil || metadata.Name == "" {
			return "", nil, errors.New("required parameter is missing: name")
		}
	}
	return metadata.Name, content, nil
}

func (g *Google) object(name, object string, content []byte) map[string]any {
	now := g.now().UTC().Format(time.RFC3339)
	sum, check := md5.Sum(content), binary.BigEndian.AppendUint32(nil, crc32.Checksum(content, crc32.MakeTable(crc32.Castagnoli)))
	return map[string]any{
		"kind": "storage#object", "id": name + "/" + object + "/1", "name": object, "bucket": name, "generation": "1", "metageneration": "1",
		// gcloud storage removes what it wrote without them.
		"md5Hash": base64.StdEncoding.EncodeToString(sum[:]), "crc32c": base64.StdEncoding.EncodeToString(check),
		"size": strconv.Itoa(len(content)), "timeCreated": now, "updated": now, "storageClass": "STANDARD",
	}
}

func storageError(w http.ResponseWriter, code int, reason, message string) {
	apiError{Code: code, Message: message, Errors: []map[string]any{{"message": message, "domain": "global", "reason": reason}}}.write(w)
}
