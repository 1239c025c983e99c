package kubeconfig

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/idferry/idferry/internal/problem"
)

func TestEverySpellingOfKubeloginsFlags(t *testing.T) {
	want := "get-token --server-id S --client-id C --tenant-id T --environment E --authority-host https://a/ --federated-token-file F"
	for _, line := range []string{
		"get-token --login workloadidentity --server-id S --client-id C --tenant-id T --environment E --authority-host https://a/ --federated-token-file F",
		"get-token --login=workloadidentity --server-id=S --client-id=C --tenant-id=T --environment=E --authority-host=https://a/ --federated-token-file=F",
		"get-token -l workloadidentity --server-id S --client-id C -t T -e E --authority-host https://a/ --federated-token-file F",
		"-lworkloadidentity -tT -eE --server-id S get-token --client-id C --authority-host https://a/ --federated-token-file F -v5",
		"get-token -l=workloadidentity -t=T -e=E --server-id S --client-id C --authority-host https://a/ --federated-token-file F --cache-dir x --token-cache-dir y --timeout 5s --disable-instance-discovery --disable-environment-override=true --legacy=false --pop-enabled=false",
	} {
		var out translated
		exec := newExec()
		set(exec, "args", strs(strings.Fields(line)))
		id, err := out.fromKubelogin(exec)
		if got := strings.Join(id.args(), " "); err != nil || got != want {
			t.Errorf("%s\n got %s %v\nwant %s", line, got, err, want)
		}
	}
}

func TestTheCommandLineWinsOverTheFileAndTheFileOverTheEnvironment(t *testing.T) {
	for name, c := range map[string]struct {
		args            string
		given, default_ Identity
		want            string
	}{
		"file":               {"get-token -l spn --server-id S --client-id C -t T", Identity{}, Identity{ClientID: "e", TenantID: "e"}, "get-token --server-id S --client-id C --tenant-id T"},
		"environment":        {"get-token -l azurecli --server-id S", Identity{}, Identity{ClientID: "e", TenantID: "f"}, "get-token --server-id S --client-id e --tenant-id f"},
		"command line":       {"get-token -l spn --server-id S --client-id C -t T", Identity{ServerID: "s", ClientID: "c", TenantID: "t", Environment: "v", AuthorityHost: "https://h"}, Identity{}, "get-token --server-id s --client-id c --tenant-id t --environment v --authority-host https://h"},
		"left to run time":   {"get-token -l workloadidentity --server-id S", Identity{}, Identity{ClientID: "e", TenantID: "f"}, "get-token --server-id S"},
		"ARM at run time":    {"get-token -l spn --server-id S --use-azurerm-env-vars", Identity{}, Identity{}, "get-token --server-id S --use-azurerm-env-vars"},
		"no more ARM":        {"get-token -l spn --server-id S --use-azurerm-env-vars", Identity{ClientID: "c", TenantID: "t"}, Identity{}, "get-token --server-id S --client-id c --tenant-id t"},
		"a person's client":  {"get-token --server-id S --client-id C -t T", Identity{}, Identity{ClientID: "e"}, "get-token --server-id S --client-id e --tenant-id T"},
		"Microsoft's client": {"get-token -l spn --server-id S --client-id 80FAF920-1908-4b52-b5ef-a8e7bedfc67a -t T", Identity{}, Identity{ClientID: "e"}, "get-token --server-id S --client-id e --tenant-id T"},
	} {
		t.Run(name, func(t *testing.T) {
			u, exec := plain(nil), newExec()
			set(exec, "command", str("kubelogin"))
			set(exec, "args", strs(strings.Fields(c.args)))
			u = rewritten(u, exec)
			out, err := Options{Command: "/x/azure-token-helper", Given: c.given, Default: c.default_}.translate(u)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(values(field(field(out.user, execKey), "args")), " "); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestWhatIsMissingIsNamedWithTheFlagForIt(t *testing.T) {
	for args, want := range map[string]string{
		"get-token -l azurecli":                                "--server-id: ",
		"get-token -l azurecli --server-id S":                  "--client-id: ",
		"get-token -l spn --server-id S --client-id C":         "--tenant-id: ",
		"get-token -l interactive --server-id S --client-id C": "--client-id: ",
	} {
		exec := newExec()
		set(exec, "command", str(`C:\tools\KUBELOGIN.EXE`))
		set(exec, "args", strs(strings.Fields(args)))
		_, err := Options{Command: "/x"}.translate(rewritten(nil, exec))
		if e := problem.From(err); e == nil || !strings.HasPrefix(e.Message, want) || !strings.Contains(e.Hint, strings.TrimSuffix(want, ": ")) {
			t.Errorf("%s: %+v", args, e)
		}
	}
}

func TestCommandStaysValidOverUpgrades(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege there")
	}
	cellar, bin := t.TempDir(), t.TempDir()
	real, link := filepath.Join(cellar, "azure-token-helper"), filepath.Join(bin, "azure-token-helper")
	if err := os.WriteFile(real, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	t.Chdir(bin)
	for _, started := range []string{"azure-token-helper", link, "./azure-token-helper"} {
		if got, err := Command(started); err != nil || got != link {
			t.Errorf("%s: %s %v", started, got, err)
		}
	}
	for started, want := range map[string]string{"absent": "--command: ", "/tmp/go-build1/azure-token-helper": "--command: "} {
		if _, err := Command(started); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", started, err)
		}
	}
	for given, want := range map[string]string{
		"azure-token-helper": "azure-token-helper", "/opt/x": "/opt/x", "./x": filepath.Join(bin, "x"), `C:\x\y.exe`: `C:\x\y.exe`, `\\srv\x`: `\\srv\x`,
	} {
		if got, err := CheckCommand(given); err != nil || got != want {
			t.Errorf("%s: %s %v", given, got, err)
		}
	}
}

func TestScalarsMeanTheSameToYAML11And12(t *testing.T) {
	for value, want := range map[string]string{
		"kubelogin": "kubelogin", "--server-id": "--server-id", "/usr/bin/x": "/usr/bin/x", "https://a.b/c": "https://a.b/c",
		"6dae42f8-4368-4678-94ff-3960e28e3630": "6dae42f8-4368-4678-94ff-3960e28e3630",
		"yes":                                  "'yes'", "NULL": "'NULL'", "": "''", "1e5": "'1e5'", "0x10": "'0x10'", "2026-11-23": "'2026-11-23'", "12:30": "'12:30'",
		"it's": "'it''s'", "a: b": "'a: b'", `C:\x y`: `'C:\x y'`, "a\nb": `"a\nb"`, "ü": "'ü'", "-": "'-'", "---": "'---'", "#a": "'#a'",
	} {
		if got := scalarText(str(value)); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
		d, err := parse("x", "users:\n- name: u\n  user: "+scalarText(str(value))+"\n")
		if err != nil || !same(d.users[0].value, str(value)) {
			t.Errorf("%q is read back as %+v %v", value, d, err)
		}
	}
}
