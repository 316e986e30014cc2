package sdk

import "time"

// A Server listens on one address and hands messages to one handler.
type Server interface {
	Start(addr string) error
	Stop() error
	SetHandler(handler MessageHandler)
	SetMiddleware(middleware ...Middleware)
	GetStats() *ServerStats
}

// ServerStats is what a server has done since it started. Bytes are those of
// the sockets up to the last whole message, messages those that passed between
// protocol and handler.
type ServerStats struct {
	ActiveConnections int64     `json:"active_connections"`
	TotalConnections  int64     `json:"total_connections"`
	MessagesReceived  int64     `json:"messages_received"`
	MessagesSent      int64     `json:"messages_sent"`
	BytesReceived     int64     `json:"bytes_received"`
	BytesSent         int64     `json:"bytes_sent"`
	StartTime         time.Time `json:"start_time"`
	Uptime            int64     `json:"uptime_seconds"`
	ErrorCount        int64     `json:"error_count"`
	LastError         string    `json:"last_error"`
}
