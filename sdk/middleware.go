package sdk

// A Handler is the rest of a chain: the next middleware, or the end.
type Handler func(ctx Context) error

// A Middleware stands around each message on its way to the handler.
type Middleware interface {
	Name() string

	// Priority orders a chain: lower runs first.
	Priority() int

	// Process lets the message through by calling next, or ends it by not
	// calling next. It may act after next has returned.
	Process(ctx Context, next Handler) error
}

// A Context is one message on its way through a chain. It is valid until the
// chain has returned, and for one goroutine at a time.
type Context interface {
	Connection() Connection
	Message() Message

	// Set keeps a value for the rest of the chain.
	Set(key string, value interface{})
	Get(key string) (interface{}, bool)

	// Abort stops the chain: later middleware and the handler do not run.
	Abort()
	IsAborted() bool
}
