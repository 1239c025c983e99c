package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/idferry/idferry/internal/azcli"
	"github.com/idferry/idferry/internal/cli"
	"github.com/idferry/idferry/internal/problem"
)

// newAz is the whole surface of the stand-in for az. What it does not know is the real az's to answer.
func newAz(p cli.Process) *cobra.Command {
	az := azGroup(p, "az", "Stand-in for the Azure CLI", cli.Asked(p, 0,
		cli.Named("account", newAccount), cli.Named("cloud", newCloud), cli.Named("version", newAzVersion),
		cli.Named("login", newLogin), cli.Named("logout", newLogout))...)
	az.Long = `This is azure-token-helper under the name az: it gives tokens for the Google identity of this machine, pod or
build to whatever runs az to get one. A command that is not listed here is passed on to the real az, where one
is behind this one on PATH.`
	az.SilenceErrors, az.SilenceUsage = true, true
	az.CompletionOptions.DisableDefaultCmd = true
	az.SetHelpCommand(&cobra.Command{Use: "no-help", Hidden: true})
	group := az.RunE
	az.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 && (args[0] == "--version" || args[0] == "-v") {
			_, err := fmt.Fprintf(p.Stdout, "%s\nazure-token-helper %s stands in for the Azure CLI here\n", azcli.VersionText(), cli.ReadVersion(version).Version)
			return err
		}
		return group(cmd, args)
	}
	return az
}

// azGroup is a command group of az. Under the name az an unknown command of it is passed on.
func azGroup(p cli.Process, use, short string, verbs ...*cobra.Command) *cobra.Command {
	// Its flags are those of a command that only the real az knows.
	group := &cobra.Command{Use: use, Short: short, DisableFlagParsing: true, Args: cobra.ArbitraryArgs}
	group.AddCommand(verbs...)
	group.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return needVerb(cmd)
		case args[0] == "-h" || args[0] == "--help":
			return cmd.Help()
		case p.Name == "az":
			return passOn(p)
		}
		return problem.Input("command line", "%q is an unknown command of %s", args[0], cmd.CommandPath()).WithHint("it knows %s", known(cmd))
	}
	return group
}

// azVerb makes cmd a command of az: it reads its arguments as az does, and prints what run returns in the format that
// the caller asks for. table may be nil.
func azVerb(p cli.Process, cmd *cobra.Command, table func(any) any, run func(context.Context) (any, error)) *cobra.Command {
	out := azcli.Output{Table: table}
	flags := cmd.Flags()
	flags.StringVarP(&out.Format, "output", "o", "json", "json, jsonc, yaml, yamlc, table, tsv or none [$AZURE_CORE_OUTPUT]")
	flags.StringVar(&out.Query, "query", "", "JMESPath expression; see https://jmespath.org")
	// Nothing is printed that these could add or leave out.
	flags.Bool("only-show-errors", false, "taken for az's sake, as --debug and --verbose are")
	flags.Bool("debug", false, "")
	flags.Bool("verbose", false, "")
	for _, name := range []string{"debug", "verbose"} {
		flags.Lookup(name).Usage = "see --only-show-errors"
	}
	cmd.DisableFlagParsing, cmd.Args = true, cobra.ArbitraryArgs
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := azcli.Parse(flags, args); errors.Is(err, pflag.ErrHelp) {
			return cmd.Help()
		} else if err != nil {
			return err
		}
		out.Queried = flags.Changed("query")
		if !flags.Changed("output") {
			out.Format = first(p.Getenv("AZURE_CORE_OUTPUT"), out.Format)
		}
		if err := out.Check(cmd.CommandPath()); err != nil {
			return err
		}
		result, err := run(cmd.Context())
		if err != nil || result == nil {
			return err
		}
		document, err := out.Render(result)
		if err == nil {
			_, err = p.Stdout.Write(document)
		}
		return err
	}
	return cmd
}

// newAzVersion is `az version`, by which Terraform knows what it may ask for.
func newAzVersion(p cli.Process) *cobra.Command {
	cmd := &cobra.Command{Use: "version", Short: "Print the version of the Azure CLI that this stands in for"}
	cmd.Flags().String("subscription", "", "taken for az's sake")
	return azVerb(p, cmd, nil, func(context.Context) (any, error) { return azcli.Versions(), nil })
}

// newCloud is the `cloud` group of az.
func newCloud(p cli.Process) *cobra.Command {
	return azGroup(p, "cloud", "Microsoft's clouds as the Azure CLI describes them",
		cli.Asked(p, 1, cli.Named("list", newCloudList), cli.Named("show", newCloudShow))...)
}

func newCloudList(p cli.Process) *cobra.Command {
	f := &federation{process: p}
	cmd := &cobra.Command{Use: "list", Short: "Print every cloud"}
	f.bindTool(cmd.Flags())
	return azVerb(p, cmd, nil, func(context.Context) (any, error) {
		_, clouds, err := f.clouds()
		list := make([]any, len(clouds))
		for i, c := range clouds {
			list[i] = c.Document()
		}
		return list, err
	})
}

func newCloudShow(p cli.Process) *cobra.Command {
	f := &federation{process: p}
	var name string
	cmd := &cobra.Command{Use: "show", Short: "Print one cloud"}
	cmd.Flags().StringVarP(&name, "name", "n", "", "name of the cloud, by default the one in use [$AZURE_ENVIRONMENT]")
	f.bindTool(cmd.Flags())
	return azVerb(p, cmd, nil, func(context.Context) (any, error) {
		active, clouds, err := f.clouds()
		if err != nil {
			return nil, err
		}
		name = first(name, active.Name)
		i := slices.IndexFunc(clouds, func(c azcli.Cloud) bool { return c.Name == name })
		if i < 0 {
			return nil, azcli.NoCloud(name)
		}
		return clouds[i].Document(), nil
	})
}
