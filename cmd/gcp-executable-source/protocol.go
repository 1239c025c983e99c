package main

import (
	"context"
	"log/slog"

	"github.com/idferry/idferry/internal/cli"
	"github.com/idferry/idferry/internal/pluggable"
	"github.com/idferry/idferry/internal/problem"
)

// protocol answers one client library and returns the exit code.
func (s *source) protocol(ctx context.Context) int {
	request := pluggable.ReadRequest(s.process.Lookup)
	if request.OutputFile == "" {
		request.OutputFile = s.outputFile
	}
	document, err := s.answer(ctx, request)
	// In an interactive run (workforce pools, Python and gcloud) standard output is the user's terminal and the client
	// reads the file alone: no document may appear, and a failure that only left no file would crash gcloud.
	if request.Interactive && request.OutputFile != "" && !request.Revoke {
		if err != nil {
			return s.process.Fail(err)
		}
		return cli.ExitOK
	}
	if err != nil {
		document = pluggable.Failure(request, err)
	}
	if _, err := s.process.Stdout.Write(document); err != nil {
		return cli.ExitFailure
	}
	return cli.ExitOK
}

// answer returns the document for request, and leaves it in the output file where one is configured.
func (s *source) answer(ctx context.Context, request pluggable.Request) ([]byte, error) {
	if err := s.settings.Resolve(); err != nil {
		return nil, err
	}
	if err := request.Check(); err != nil {
		return nil, err
	}
	wanted, err := s.subjectToken(request)
	if err != nil {
		return nil, err
	}
	defer wanted.close()
	output, err := pluggable.OpenOutputFile(request.OutputFile)
	if err != nil {
		return nil, err
	}
	if output != nil {
		defer output.Close()
	}
	if request.Revoke {
		return revoke(ctx, request, wanted.call, output)
	}
	t, err := wanted.call.Token(ctx)
	if err != nil {
		return nil, err
	}
	document := pluggable.Success(request, t, s.process.Now())
	if output != nil {
		if err := output.Write(document); err != nil {
			logInfo(wanted.call.Log, "output file not written", "error", err)
			if request.Interactive {
				return nil, problem.New(problem.BadInput, "writing %s: %w", request.OutputFile, err)
			}
		}
	}
	return document, nil
}

// revoke forgets what a later call could be answered with.
func revoke(ctx context.Context, request pluggable.Request, call cli.Call, output *pluggable.OutputFile) ([]byte, error) {
	if err := call.Cache.Forget(ctx, call.Request); err != nil {
		return nil, err
	}
	if output != nil {
		if err := output.Remove(); err != nil {
			return nil, problem.New(problem.BadInput, "removing %s: %w", request.OutputFile, err)
		}
	}
	return pluggable.Revoked(request), nil
}

func logInfo(log *slog.Logger, message string, attrs ...any) {
	if log != nil {
		log.Info(message, attrs...)
	}
}
