package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/idferry/idferry/internal/cli"
	"github.com/idferry/idferry/internal/entra"
	"github.com/idferry/idferry/internal/kubeconfig"
)

// rewriteKubeconfig is the verb that points users of a kubeconfig at this plugin.
type rewriteKubeconfig struct {
	process      cli.Process
	settings     *cli.Settings
	file         string
	options      kubeconfig.Options
	clientID     string
	tenantID     string
	dryRun       bool
	giveClientID bool
	giveTenantID bool
}

func newKubeconfig(p cli.Process) *cobra.Command {
	v := &rewriteKubeconfig{process: p}
	cmd := &cobra.Command{
		Use: "kubeconfig", Short: "Make kubectl take its tokens from here, in place of kubelogin",
		Long: `Rewrite the users of a kubeconfig that run Azure's kubelogin, or that have the azure auth-provider
which kubectl lost in 1.26, so that they run this program. --user and --context choose one user, of
any kind, and leave the others alone. Everything else in the file stays as it is, byte for byte; a
copy is kept beside it as FILE.before-idferry. Running this again changes nothing.`,
		Example: "  azure-token-helper kubeconfig --dry-run\n" +
			"  azure-token-helper kubeconfig --context prod --client-id APP --tenant-id TENANT\n" +
			"  azure-token-helper kubeconfig --user me --server-id " + aksServerID + " --client-id APP --tenant-id TENANT",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			// What is on the command line wins over the kubeconfig, and that over the environment.
			v.giveClientID, v.giveTenantID = cmd.Flags().Changed("client-id"), cmd.Flags().Changed("tenant-id")
			if err := v.settings.Resolve(); err != nil {
				return err
			}
			return v.run(cmd.Context())
		},
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	v.settings = cli.NewSettings(flags, p.Lookup)
	given := &v.options.Given
	v.settings.String(&v.file, "kubeconfig", "", "", "file to rewrite (default: the files in $KUBECONFIG, else ~/.kube/config)")
	v.settings.Strings(&v.options.Users, "user", "rewrite this user only, whatever it authenticates with; may be repeated")
	v.settings.String(&v.options.Context, "context", "", "", "rewrite the user of this context only")
	v.settings.Bool(&v.dryRun, "dry-run", "show what would change, and write nothing")
	v.settings.String(&v.options.Command, "command", "", "", "path of this program to write into the file (default: as it was started)")
	v.settings.String(&given.ServerID, "server-id", "", "", "application of the API server, for users that do not name one; AKS: "+aksServerID)
	v.settings.String(&v.clientID, "client-id", "", "", "Entra application that trusts the Google account", "AZURE_CLIENT_ID")
	v.settings.String(&v.tenantID, "tenant-id", "t", "", "Entra tenant of the application", "AZURE_TENANT_ID")
	v.settings.String(&given.Environment, "environment", "e", "", "AzurePublicCloud, AzureUSGovernment or AzureChinaCloud")
	v.settings.String(&given.AuthorityHost, "authority-host", "", "", "URL of the Entra token service")
	return cmd
}

func (v *rewriteKubeconfig) run(ctx context.Context) error {
	options, err := v.resolve()
	if err != nil {
		return err
	}
	paths := kubeconfig.Paths(v.file, v.process.Lookup)
	files, err := kubeconfig.Open(paths, v.file != "")
	if err != nil {
		return err
	}
	plan, err := kubeconfig.NewPlan(files, options)
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString(plan.Diff())
	b.WriteString(plan.Summary(v.dryRun))
	var written []kubeconfig.Written
	if !v.dryRun {
		if written, err = plan.Write(ctx); err != nil {
			return err
		}
	}
	for _, w := range written {
		fmt.Fprintf(&b, "wrote %s; what it was is in %s\n", w.Path, w.Backup)
	}
	switch {
	case len(files) == 0:
		fmt.Fprintf(&b, "nothing to do: there is no %s\n", strings.Join(paths, " and no "))
	case !plan.Changed():
		fmt.Fprintf(&b, "nothing to do\n")
	}
	if plan.Uses(options.Command) {
		fmt.Fprintln(&b, kubeconfig.PluginAdvice(options.Command, v.process.Lookup))
	}
	_, err = v.process.Stdout.Write([]byte(b.String()))
	return err
}

func (v *rewriteKubeconfig) resolve() (kubeconfig.Options, error) {
	o := v.options
	var err error
	if o.Command == "" {
		// The name that the program was started under is the one that survives an upgrade; os.Executable resolves links.
		o.Command, err = kubeconfig.Command(v.process.Started)
	} else {
		o.Command, err = kubeconfig.CheckCommand(o.Command)
	}
	if err != nil {
		return o, err
	}
	o.Default.ClientID, o.Default.TenantID = v.clientID, v.tenantID
	if v.giveClientID {
		o.Given.ClientID = v.clientID
	}
	if v.giveTenantID {
		o.Given.TenantID = v.tenantID
	}
	o.Check = checkIdentity
	return o, nil
}

// checkIdentity refuses what get-token would refuse later, when kubectl runs it.
func checkIdentity(id kubeconfig.Identity) error {
	cloud, err := entra.FindCloud(id.Environment, id.AuthorityHost)
	if err != nil {
		return err
	}
	if err := entra.CheckResource("--server-id", id.ServerID); err != nil {
		return err
	}
	// What the plugin will find in its environment when it runs is not known here, so it passes.
	exchange := entra.Exchange{Cloud: cloud, ClientID: id.ClientID, TenantID: id.TenantID}
	if exchange.ClientID == "" {
		exchange.ClientID = aksServerID
	}
	if exchange.TenantID == "" {
		exchange.TenantID = aksServerID
	}
	return exchange.Check()
}
