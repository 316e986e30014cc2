package sdk

// A Plugin is what one process offers. At least one part is set; the parts that
// it does not offer are nil.
type Plugin struct {
	// Name is the plugin's name, as in netcore-NAME; it must not be empty.
	Name string
	// Version is the plugin's own version, as status shows it.
	Version string

	Stream   StreamProtocol
	Protocol Protocol
	Packet   PacketProtocol
	Handler  MessageHandler
}

// Info describes a protocol.
type Info struct {
	// Name is the protocol's name, as in a listener's protocol: NAME.
	Name string
	// Network is what its listeners need: "tcp" or "udp". If empty, "tcp".
	Network string
	// Streams says that messages belong to streams (requests) whose replies
	// end, so that the end of a handler's work on each is passed on.
	Streams bool
	// Schema is the JSON Schema of its options, or empty.
	Schema string
}
