package admin

import (
	"errors"
	"net/http"

	"github.com/netcore-go/netcore/kernel"
)

// A Code says in an error's answer of what kind it is.
type Code string

// The codes.
const (
	CodeBusy     Code = "busy"     // kernel.ErrBusy, status 409
	CodeUnknown  Code = "unknown"  // kernel.ErrUnknown, or no such route: status 404
	CodeInvalid  Code = "invalid"  // kernel.ErrInvalid, or a wrong request: status 400, 405, 413 or 421
	CodeDraining Code = "draining" // kernel.ErrDraining, status 503
	CodeInternal Code = "internal" // all others, status 500
)

// kinds pairs what a Code stands for.
var kinds = [...]struct {
	code   Code
	err    error
	status int
}{
	{CodeBusy, kernel.ErrBusy, http.StatusConflict},
	{CodeUnknown, kernel.ErrUnknown, http.StatusNotFound},
	{CodeInvalid, kernel.ErrInvalid, http.StatusBadRequest},
	{CodeDraining, kernel.ErrDraining, http.StatusServiceUnavailable},
}

// classify returns code and status of an error.
func classify(err error) (Code, int) {
	for _, k := range kinds {
		if errors.Is(err, k.err) {
			return k.code, k.status
		}
	}
	return CodeInternal, http.StatusInternalServerError
}

// errorBody is the JSON of an error's answer.
type errorBody struct {
	Error string `json:"error"`
	Code  Code   `json:"code"`
}

// remoteError is an errorBody as the client returns it: the server's text, of
// the kernel's kind.
type remoteError struct{ body errorBody }

func (e *remoteError) Error() string { return e.body.Error }

// Unwrap returns the kernel's sentinel error, or nothing for CodeInternal.
func (e *remoteError) Unwrap() error {
	for _, k := range kinds {
		if k.code == e.body.Code {
			return k.err
		}
	}
	return nil
}
