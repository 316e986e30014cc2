package chat

import (
	"fmt"
	"strings"

	"github.com/netcore-go/netcore/sdk"
)

const help = `* /nick NAME  change your name
* /join ROOM  go to another room
* /me TEXT    say what you do
* /version    show which version runs
* /quit       leave`

// command runs a line that begins with a slash. What is about the room needs a
// name first.
func (h *Handler) command(conn sdk.Connection, line string) {
	verb, arg, _ := strings.Cut(line, " ")
	arg = strings.TrimSpace(arg)
	switch verb {
	case "/help":
		tell(conn, help)
	case "/version":
		tell(conn, "* "+h.title())
	case "/quit":
		tell(conn, "* Goodbye.")
		_ = conn.Close() // it can only be closed already
	case "/nick", "/join", "/me":
		h.roomCommand(conn, verb, arg)
	default:
		tell(conn, "* There is no "+verb+"; try /help.")
	}
}

func (h *Handler) roomCommand(conn sdk.Connection, verb, arg string) {
	switch {
	case name(conn) == "":
		tell(conn, "* What is your name?")
	case verb == "/nick":
		h.rename(conn, arg)
	case verb == "/join":
		h.move(conn, arg)
	case arg == "":
		tell(conn, "* What do you do?")
	default:
		h.say(conn, "* "+name(conn)+" "+arg)
	}
}

// enter gives the client its name and takes it to the lobby. It joins first: a
// client that has a name is in a room, whenever this process dies.
func (h *Handler) enter(conn sdk.Connection, newName string) {
	if err := checkName(newName); err != nil {
		tell(conn, fmt.Sprintf("* Your name: %v. What is your name?", err))
		return
	}
	if err := h.host.Join(conn, Lobby); err != nil {
		tell(conn, fmt.Sprintf("* You cannot join %s: %v. Say your name again.", Lobby, err))
		return
	}
	conn.SetContext(keyRoom, Lobby)
	conn.SetContext(keyName, newName)
	h.notice(Lobby, "* "+newName+" joined.", conn)
	tell(conn, "* Hello "+newName+", you are in "+Lobby+"; /help shows the commands.")
}

func (h *Handler) rename(conn sdk.Connection, newName string) {
	if err := checkName(newName); err != nil {
		tell(conn, fmt.Sprintf("* Your name: %v.", err))
		return
	}
	old := name(conn)
	conn.SetContext(keyName, newName)
	h.notice(room(conn), "* "+old+" is now "+newName+".", conn)
	tell(conn, "* You are now "+newName+".")
}

// move takes the client to another room. It joins that one before it leaves the
// old one, so that on an error nothing has changed.
func (h *Handler) move(conn sdk.Connection, newRoom string) {
	old := room(conn)
	if err := checkName(newRoom); err != nil {
		tell(conn, fmt.Sprintf("* The room's name: %v.", err))
		return
	}
	if newRoom == old {
		tell(conn, "* You are in "+old+" already.")
		return
	}
	if err := h.host.Join(conn, newRoom); err != nil {
		tell(conn, fmt.Sprintf("* You cannot join %s: %v.", newRoom, err))
		return
	}
	conn.SetContext(keyRoom, newRoom)
	if err := h.host.Leave(conn, old); err != nil {
		tell(conn, fmt.Sprintf("* You still hear %s: %v.", old, err))
	}
	h.notice(old, "* "+name(conn)+" left.", conn)
	h.notice(newRoom, "* "+name(conn)+" joined.", conn)
	tell(conn, "* You are in "+newRoom+".")
}

// say sends text to everyone else in conn's room.
func (h *Handler) say(conn sdk.Connection, text string) {
	if err := h.host.Broadcast(room(conn), message(text), conn); err != nil {
		tell(conn, fmt.Sprintf("* Not sent: %v.", err))
	}
}

// notice tells a room what happened to except. The room may have nobody left,
// and nobody waits for it: an error changes nothing.
func (h *Handler) notice(room, text string, except sdk.Connection) {
	_ = h.host.Broadcast(room, message(text), except)
}

// tell sends text to one client. An error says that the client is gone or with
// a successor; OnDisconnect comes for the one, nothing is owed to the other.
func tell(conn sdk.Connection, text string) {
	_ = conn.SendMessage(message(text))
}

func message(text string) sdk.Message {
	return sdk.Message{Type: sdk.MessageTypeText, Data: []byte(text)}
}
