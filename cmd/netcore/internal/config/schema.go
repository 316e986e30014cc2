package config

import (
	"encoding/json"
	"time"
)

// The types of this file are the schema. The yaml tag names a key, the oneof tag
// lists the words that a string may be. No number, duration or size may be
// negative. An absent key is its type's zero value, which the kernel or
// applyDefaults gives its meaning.

type file struct {
	RunDir         string             `yaml:"run_dir"`
	PluginDirs     []string           `yaml:"plugin_dirs"`
	Log            logging            `yaml:"log"`
	Admin          adminSection       `yaml:"admin"`
	MaxConnections int                `yaml:"max_connections"`
	DrainTimeout   time.Duration      `yaml:"drain_timeout"`
	Listeners      []listener         `yaml:"listeners"`
	Plugins        map[string]process `yaml:"plugins"`
	Handlers       map[string]handler `yaml:"handlers"`
}

type logging struct {
	Level  string `yaml:"level" oneof:"debug info warn error"`
	Format string `yaml:"format" oneof:"auto json console"`
}

type adminSection struct {
	Listen string `yaml:"listen"`
}

type listener struct {
	Name          string          `yaml:"name"`
	Protocol      string          `yaml:"protocol"`
	Address       string          `yaml:"address"`
	Network       string          `yaml:"network" oneof:"tcp udp"`
	Options       json.RawMessage `yaml:"options"`
	Handler       string          `yaml:"handler"`
	Limits        limits          `yaml:"limits"`
	Heartbeat     heartbeat       `yaml:"heartbeat"`
	QueuePolicy   string          `yaml:"queue_policy" oneof:"block drop_newest close"`
	OnHandlerLoss string          `yaml:"on_handler_loss" oneof:"keep close"`
}

type limits struct {
	MaxConnections int           `yaml:"max_connections"`
	PerSource      int           `yaml:"per_source"`
	IdleTimeout    time.Duration `yaml:"idle_timeout"`
	ReadTimeout    time.Duration `yaml:"read_timeout"`
	WriteTimeout   time.Duration `yaml:"write_timeout"`
	Queue          size          `yaml:"queue"`
}

type heartbeat struct {
	Interval time.Duration `yaml:"interval"`
	Timeout  time.Duration `yaml:"timeout"`
}

// A process says where a plugin is and how it runs.
type process struct {
	Path       string            `yaml:"path"`
	SHA256     string            `yaml:"sha256"`
	Carrier    string            `yaml:"carrier" oneof:"auto unix grpc"`
	GOMAXPROCS int               `yaml:"gomaxprocs"`
	Env        map[string]string `yaml:"env"`
}

// A handler is a handler plugin: a process with a config section of its own.
type handler struct {
	process
	Config json.RawMessage `yaml:"config"`
}
