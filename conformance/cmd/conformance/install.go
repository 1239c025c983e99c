package main

import (
	"context"
	"os"
	"path/filepath"
)

// installVenv makes a virtual environment for client.py in the directory source, with what a file there requires.
func installVenv(source, requirements string) func(context.Context, *workshop) ([]string, error) {
	return pythonProgram(source, "client.py", requirements)
}

func pythonProgram(source, script, requirements string) func(context.Context, *workshop) ([]string, error) {
	return func(ctx context.Context, shop *workshop) ([]string, error) {
		if err := shop.need(ctx, tool{probe: []string{"python3", "-c", "import ensurepip, venv"}, packages: []string{"python3", "python3-venv"}}); err != nil {
			return nil, err
		}
		dir, err := shop.fetch(source)
		if err != nil {
			return nil, err
		}
		venv := filepath.Join(dir, "venv-"+requirements)
		python := filepath.Join(venv, "bin", "python")
		if err := shop.sh(ctx, dir, "python3", "-m", "venv", venv); err != nil {
			return nil, err
		}
		return []string{python, filepath.Join(dir, script)}, shop.sh(ctx, dir, python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", requirements)
	}
}

// pythonScript is client.py in the directory source, which needs no packages.
func pythonScript(source string) func(context.Context, *workshop) ([]string, error) {
	return func(ctx context.Context, shop *workshop) ([]string, error) {
		if err := shop.need(ctx, tool{probe: []string{"python3", "--version"}, packages: []string{"python3"}}); err != nil {
			return nil, err
		}
		dir, err := shop.fetch(source)
		return []string{"python3", filepath.Join(dir, "client.py")}, err
	}
}

// nodePackages installs what package-lock.json in the directory source names: the libraries, and the Node.js that they
// need, which is newer than what a distribution has.
func nodePackages(ctx context.Context, shop *workshop, source string) (dir, node string, err error) {
	if err := shop.need(ctx, tool{probe: []string{"npm", "--version"}, packages: []string{"nodejs", "npm"}}); err != nil {
		return "", "", err
	}
	if dir, err = shop.fetch(source); err != nil {
		return "", "", err
	}
	node = filepath.Join(dir, "node_modules", ".bin", "node")
	// What is there already is of the same lock file, or else npm replaces it.
	installed := filepath.Join(dir, "installed.json")
	want, err := os.ReadFile(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return "", "", err
	}
	if got, err := os.ReadFile(installed); err == nil && string(got) == string(want) {
		return dir, node, nil
	}
	if err := shop.sh(ctx, dir, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"); err != nil {
		return "", "", err
	}
	return dir, node, os.WriteFile(installed, want, 0o600)
}

// installMaven compiles Client.java in the directory source.
func installMaven(source string) func(context.Context, *workshop) ([]string, error) {
	return func(ctx context.Context, shop *workshop) ([]string, error) {
		if err := shop.need(ctx, tool{probe: []string{"javac", "-version"}, packages: []string{"default-jdk-headless"}}, tool{probe: []string{"mvn", "-version"}, packages: []string{"maven"}}); err != nil {
			return nil, err
		}
		dir, err := shop.fetch(source)
		if err != nil {
			return nil, err
		}
		path := filepath.Join(dir, "target", "classes") + string(os.PathListSeparator) + filepath.Join(dir, "target", "lib", "*")
		return []string{"java", "-cp", path, "Client"}, shop.sh(ctx, dir, "mvn", "-q", "-B", "compile")
	}
}

// rustTool is newer than Debian's own cargo: the crates of both clouds name Rust 1.88.
func rustTool() tool {
	return tool{probe: []string{"sh", "-c", `v=$(rustc --version) && cargo --version && printf '1.88\n%s\n' "${v#rustc }" | sort -VC`}, packages: []string{"rustup", "gcc", "libc6-dev"}, then: []string{"rustup", "default", "stable"}}
}

// installCargo builds the crate in the directory source.
func installCargo(source string) func(context.Context, *workshop) ([]string, error) {
	return func(ctx context.Context, shop *workshop) ([]string, error) {
		if err := shop.need(ctx, rustTool()); err != nil {
			return nil, err
		}
		dir, err := shop.fetch(source)
		if err != nil {
			return nil, err
		}
		target := filepath.Join(dir, "target")
		return []string{filepath.Join(target, "debug", "client")}, shop.sh(ctx, dir, "cargo", "build", "--quiet", "--locked", "--target-dir", target)
	}
}

// goPackage builds one program of the module in the directory source.
func goPackage(source, name string) func(context.Context, *workshop) ([]string, error) {
	return func(ctx context.Context, shop *workshop) ([]string, error) {
		program := filepath.Join(shop.dir, filepath.FromSlash(source), name)
		return []string{program}, shop.sh(ctx, source, "go", "build", "-o", program, "./"+name)
	}
}
