package kubeconfig

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/idferry/idferry/internal/problem"
)

// File is a kubeconfig on disk.
type File struct {
	// Path is the name it was given under; Target is what Path points to if it is a symbolic link, else the same.
	Path, Target string
	before       []byte
	mark         string // byte order mark, or ""
	doc          *document
	edits        []edit
	after        []byte // nil if nothing changes
}

func (f *File) changed() bool { return f.after != nil }

// Paths returns the files that kubectl would read, in its order: --kubeconfig, else the list in KUBECONFIG, else
// ~/.kube/config. https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
func Paths(flag string, lookup func(string) (string, bool)) []string {
	if flag != "" {
		return []string{flag}
	}
	list, _ := lookup("KUBECONFIG")
	if list == "" {
		return []string{filepath.Join(Home(lookup), ".kube", "config")}
	}
	var paths []string
	for _, p := range filepath.SplitList(list) {
		if p != "" && !slices.Contains(paths, p) {
			paths = append(paths, p)
		}
	}
	return paths
}

// Home is the directory in which kubectl looks for .kube. On Windows that is the first of three variables where a
// kubeconfig is (k8s.io/client-go/util/homedir).
func Home(lookup func(string) (string, bool)) string {
	get := func(name string) string { v, _ := lookup(name); return v }
	if runtime.GOOS != "windows" {
		return get("HOME")
	}
	candidates := []string{get("HOME"), get("HOMEDRIVE") + get("HOMEPATH"), get("USERPROFILE")}
	for _, dir := range candidates {
		if _, err := os.Stat(filepath.Join(dir, ".kube", "config")); dir != "" && err == nil {
			return dir
		}
	}
	return first(candidates[0], candidates[2], candidates[1])
}

// Open reads and parses the files. Missing ones are left out, as kubectl leaves them out, unless required says that
// somebody named them.
func Open(paths []string, required bool) ([]*File, error) {
	var files []*File
	for _, p := range paths {
		f, err := open(p)
		if errors.Is(err, fs.ErrNotExist) && !required {
			continue
		}
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

func open(path string) (*File, error) {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	if info, err := os.Stat(target); err == nil && !info.Mode().IsRegular() {
		return nil, refuse(path, 0, "it is not a regular file")
	}
	before, err := os.ReadFile(target)
	if err != nil {
		return nil, unreadable(path, err)
	}
	f := &File{Path: path, Target: target, before: before}
	src, marked := strings.CutPrefix(string(before), bom)
	if marked {
		f.mark = bom
	}
	f.doc, err = parse(path, src)
	return f, err
}

func unreadable(path string, err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	e := problem.Input(path, "%w", err)
	if errors.Is(err, fs.ErrNotExist) {
		return e.WithHint("name a kubeconfig with --kubeconfig FILE, or write one: az aks get-credentials --resource-group GROUP --name CLUSTER")
	}
	return e
}

func pathsOf(files []*File) string {
	var names []string
	for _, f := range files {
		names = append(names, f.Path)
	}
	if len(names) == 0 {
		return "any kubeconfig"
	}
	return strings.Join(names, ", ")
}
