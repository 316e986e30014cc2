package admin

import (
	"encoding/json"
	"errors"
	"net/http"
)

// answer writes v as JSON with status 200.
func answer(w http.ResponseWriter, v any) { write(w, http.StatusOK, v) }

// failWith writes an error of an operation.
func failWith(w http.ResponseWriter, err error) {
	code, status := classify(err)
	if _, ok := errors.AsType[*requestError](err); ok {
		code, status = CodeInvalid, http.StatusBadRequest
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		status = http.StatusRequestEntityTooLarge
	}
	fail(w, code, status, err.Error())
}

func fail(w http.ResponseWriter, code Code, status int, text string) {
	write(w, status, errorBody{Error: text, Code: code})
}

func write(w http.ResponseWriter, status int, v any) {
	out, err := json.Marshal(v)
	if err != nil {
		// Only a float that is no number gets here, and no answer has floats.
		status, out = http.StatusInternalServerError, []byte(`{"error":"the answer is no JSON","code":"internal"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(out, '\n')) // an error means that the caller has hung up
}
