package admin

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

const (
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	writeTimeout  = 30 * time.Second // lifted while an operation runs
	idleTimeout   = time.Minute
	maxHeader     = 16 << 10
	maxBody       = 64 << 10
)

// A Server serves the routes of the package's documentation.
type Server struct {
	// Kernel answers what only reads.
	Kernel Observer
	// Operator and Process change things; they are asked from the unix socket only.
	Operator Operator
	Process  Process
	// Logger takes what net/http has to say. If nil, nothing is logged.
	Logger *zap.Logger
	// ShutdownTimeout bounds how long Serve waits for requests at its end. If
	// zero, 2 seconds.
	ShutdownTimeout time.Duration
}

// Serve serves all routes on socket and, if it is not nil, those that only read
// on public. It closes both. It returns nil when ctx has ended and all requests
// have, or an error of listening.
func (s *Server) Serve(ctx context.Context, socket, public net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	servers := []*http.Server{s.server(s.private(ctx))}
	listeners := []net.Listener{socket}
	if public != nil {
		servers = append(servers, s.server(s.public(public.Addr())))
		listeners = append(listeners, public)
	}
	errs := make([]error, len(servers))
	var wg sync.WaitGroup
	for i, srv := range servers {
		wg.Go(func() {
			defer cancel()
			errs[i] = srv.Serve(listeners[i])
		})
	}
	<-ctx.Done()
	s.shutdown(servers)
	wg.Wait()
	for i, err := range errs {
		if errors.Is(err, http.ErrServerClosed) {
			errs[i] = nil
		}
	}
	return errors.Join(errs...)
}

// shutdown lets requests end: one may be the very stop that ended the context,
// whose caller wants its answer.
func (s *Server) shutdown(servers []*http.Server) {
	limit := s.ShutdownTimeout
	if limit == 0 {
		limit = 2 * time.Second
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for _, srv := range servers {
		if srv.Shutdown(ctx) != nil {
			srv.Close() // an idle or slow client is all that is lost
		}
	}
}

func (s *Server) server(handler http.Handler) *http.Server {
	srv := &http.Server{
		Handler:           limit(handler),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
	}
	logger := s.Logger
	if logger == nil {
		logger = zap.NewNop()
	}
	if std, err := zap.NewStdLogAt(logger, zapcore.WarnLevel); err == nil {
		srv.ErrorLog = std
	}
	return srv
}

// limit bounds bodies and keeps answers out of caches and sniffers.
func limit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}
