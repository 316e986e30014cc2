// Package chat is a handler for rooms of people who write lines to each other.
// It takes each message as a line, over tcp with line framing, ws, or any other
// protocol of messages.
//
// It shows where a handler keeps what must outlast a swap of its binary: who a
// client is stands in the connection's context, who is in a room in the kernel's
// rooms. The handler itself holds nothing about any client.
package chat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/netcore-go/netcore/sdk"
)

// Lobby is the room that a client is in once it has a name.
const Lobby = "lobby"

// The keys of a connection's context. A client without a name has said nothing yet.
const (
	keyName = "name"
	keyRoom = "room"
)

// A Handler is the chat. The zero value is ready to Start.
type Handler struct {
	// Version is what the greeting and /version say. If empty, "dev".
	Version string

	motd string
	host sdk.Host
}

var (
	_ sdk.MessageHandler = (*Handler)(nil)
	_ sdk.Configurer     = (*Handler)(nil)
	_ sdk.Starter        = (*Handler)(nil)
	_ sdk.Resumer        = (*Handler)(nil)
)

// Configure takes {"motd": "…"}: text for the greeting.
func (h *Handler) Configure(config []byte) error {
	if len(config) == 0 {
		return nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(config, &fields); err != nil {
		return fmt.Errorf("config of chat is not a JSON object: %w", err)
	}
	for key, value := range fields {
		if key != "motd" {
			return &sdk.OptionError{Field: key, Err: errors.New(`unknown; the only option is "motd"`)}
		}
		if err := json.Unmarshal(value, &h.motd); err != nil {
			return &sdk.OptionError{Field: key, Err: errors.New("want a string")}
		}
	}
	return nil
}

// Start keeps the host, which has the rooms.
func (h *Handler) Start(_ context.Context, host sdk.Host) error {
	h.host = host
	return nil
}

// OnConnect greets a client and asks for its name.
func (h *Handler) OnConnect(conn sdk.Connection) {
	greeting := "* Welcome to " + h.title() + "."
	if h.motd != "" {
		greeting += " " + h.motd
	}
	tell(conn, greeting+"\n* What is your name?")
}

// OnMessage takes a line: a command if it begins with a slash, else the name of
// a client that has none, else what it says to its room.
func (h *Handler) OnMessage(conn sdk.Connection, msg sdk.Message) {
	line := clean(msg.Data)
	switch {
	case line == "":
	case len(line) > maxLine:
		tell(conn, fmt.Sprintf("* A line has at most %d bytes.", maxLine))
	case strings.HasPrefix(line, "/"):
		h.command(conn, line)
	case name(conn) == "":
		h.enter(conn, line)
	default:
		h.say(conn, name(conn)+": "+line)
	}
}

// OnDisconnect tells the room. The kernel has taken the client out of it.
func (h *Handler) OnDisconnect(conn sdk.Connection, _ error) {
	if n := name(conn); n != "" {
		h.notice(room(conn), "* "+n+" left.", nil)
	}
}

// OnResume tells a client honestly what a crash of the predecessor may have
// cost it. After a swap there is nothing to tell.
func (h *Handler) OnResume(conn sdk.Connection, lost int) {
	if lost > 0 {
		tell(conn, fmt.Sprintf("* The chat crashed and is back; of your last lines %d may not have been heard.", lost))
	}
}

func (h *Handler) title() string {
	if h.Version == "" {
		return "chat dev"
	}
	return "chat " + h.Version
}

func name(conn sdk.Connection) string { return contextString(conn, keyName) }

func room(conn sdk.Connection) string { return contextString(conn, keyRoom) }

func contextString(conn sdk.Connection, key string) string {
	s, _ := conn.GetContext(key).(string)
	return s
}
