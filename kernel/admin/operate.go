package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// An operation changes something. It returns what to answer, nil for nothing.
// ctx is the server's.
type operation func(ctx context.Context, r *http.Request) (any, error)

// handler runs the operation without a limit on its time: its own limits, such
// as drain_timeout, end it.
func (f operation) handler(ctx context.Context) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		// Errors mean that the connection is gone, or cannot have deadlines.
		_ = control.SetWriteDeadline(time.Time{})
		body, err := f(ctx, r)
		_ = control.SetWriteDeadline(time.Now().Add(writeTimeout))
		switch {
		case err != nil:
			failWith(w, err)
		case body == nil:
			w.WriteHeader(http.StatusNoContent)
		default:
			answer(w, body)
		}
	})
}

type pluginRequest struct {
	Plugin string `json:"plugin"`
}

type swapRequest struct {
	pluginRequest
	Path string `json:"path"`
}

type stopRequest struct {
	Force bool `json:"force"`
}

func (s *Server) swap(ctx context.Context, r *http.Request) (any, error) {
	var req swapRequest
	if err := decode(r, &req); err != nil {
		return nil, err
	}
	if err := req.check(); err != nil {
		return nil, err
	}
	return result(s.Operator.Swap(ctx, req.Plugin, req.Path))
}

func (s *Server) rollback(ctx context.Context, r *http.Request) (any, error) {
	var req pluginRequest
	if err := decode(r, &req); err != nil {
		return nil, err
	}
	if err := req.check(); err != nil {
		return nil, err
	}
	return result(s.Operator.Rollback(ctx, req.Plugin))
}

func (s *Server) reset(ctx context.Context, r *http.Request) (any, error) {
	var req pluginRequest
	if err := decode(r, &req); err != nil {
		return nil, err
	}
	if err := req.check(); err != nil {
		return nil, err
	}
	return nil, s.Operator.Reset(ctx, req.Plugin)
}

func (s *Server) reload(ctx context.Context, r *http.Request) (any, error) {
	if err := decode(r, &struct{}{}); err != nil {
		return nil, err
	}
	return nil, s.Process.Reload(ctx)
}

func (s *Server) drain(ctx context.Context, r *http.Request) (any, error) {
	if err := decode(r, &struct{}{}); err != nil {
		return nil, err
	}
	return nil, s.Process.Drain(ctx)
}

func (s *Server) stop(_ context.Context, r *http.Request) (any, error) {
	var req stopRequest
	if err := decode(r, &req); err != nil {
		return nil, err
	}
	s.Process.Stop(req.Force)
	return nil, nil
}

func (s *Server) closeConnection(_ context.Context, r *http.Request) (any, error) {
	return nil, s.Operator.CloseConnection(r.PathValue("id"))
}

func (p pluginRequest) check() error {
	if p.Plugin == "" {
		return &requestError{errors.New("plugin is missing")}
	}
	return nil
}

// result makes the results of a swap those of an operation.
func result[T any](report T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return report, nil
}

// decode reads a JSON object of known keys. No body is an empty object.
func decode(r *http.Request, into any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		err = errors.New("more than one JSON value")
	}
	return &requestError{fmt.Errorf("the request's body is wrong: %w", err)}
}

// A requestError is the caller's.
type requestError struct{ err error }

func (e *requestError) Error() string { return e.err.Error() }
func (e *requestError) Unwrap() error { return e.err }
