package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/netcore-go/netcore/cmd/netcore/internal/config"
	"github.com/netcore-go/netcore/plugins/tcp"
	"github.com/netcore-go/netcore/sdk"
)

// root is the repository, as seen from here.
const root = "../.."

// A doc is a Markdown file, and the blocks of code in it.
type doc struct {
	path   string // within the repository
	text   string
	blocks []block
}

// A block is a fenced block: its language, what follows that, and its lines.
type block struct {
	language, info, text string
}

var fence = regexp.MustCompile("(?ms)^```([a-z]+) ?([^\n]*)\n(.*?)^```$")

// docs returns README.md, the guides, and the README files beside the code.
func docs(t *testing.T) []doc {
	t.Helper()
	var all []doc
	for _, pattern := range []string{"README.md", "docs/*.md", "plugins/*/README.md", "examples/*/README.md"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(paths), err)
		}
		for _, path := range paths {
			all = append(all, readDoc(t, path))
		}
	}
	return all
}

func readDoc(t *testing.T, path string) doc {
	t.Helper()
	text := readFile(t, path)
	d := doc{path: strings.TrimPrefix(path, root+"/"), text: text}
	for _, m := range fence.FindAllStringSubmatch(text, -1) {
		d.blocks = append(d.blocks, block{m[1], m[2], m[3]})
	}
	return d
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestDocsConfig: each configuration that is shown is one that run accepts.
func TestDocsConfig(t *testing.T) {
	shown := 0
	for _, d := range docs(t) {
		for _, b := range d.blocks {
			if b.language != "yaml" {
				continue
			}
			shown++
			cfg, err := config.Load(configSource(t, b.text))
			if err != nil {
				t.Errorf("%s: %v in\n%s", d.path, err, b.text)
				continue
			}
			for _, l := range cfg.Kernel.Listeners {
				if l.Protocol != "tcp" {
					continue
				}
				if _, err := tcp.New().(sdk.StreamConfigurer).WithOptions(l.Options); err != nil {
					t.Errorf("%s: listener %s: %v", d.path, l.Name, err)
				}
			}
		}
	}
	if shown < 5 {
		t.Errorf("%d configurations are shown, want those of README, the guides, the plugins and the examples", shown)
	}
}

// configSource is a file beside a directory with all plugins of the tree.
func configSource(t *testing.T, text string) config.Source {
	t.Helper()
	dir := t.TempDir()
	plugins := filepath.Join(dir, "bin", "plugins")
	if err := os.MkdirAll(plugins, 0o700); err != nil {
		t.Fatal(err)
	}
	commands, err := filepath.Glob(root + "/*/*/cmd/netcore-*")
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range commands {
		if err := os.WriteFile(filepath.Join(plugins, filepath.Base(command)), nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, "netcore.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Source{Path: path, Place: config.Place{WorkDir: dir, TempDir: dir}}
}

// TestDocsCode: code that is shown is a part of the file that its block names,
// and README has the examples whole.
func TestDocsCode(t *testing.T) {
	for _, d := range docs(t) {
		for _, b := range d.blocks {
			switch {
			case b.language != "go":
			case b.info == "":
				t.Errorf("%s: a block of Go names no file:\n%s", d.path, b.text)
			default:
				have := readFile(t, filepath.Join(root, b.info))
				if whole := d.path == "README.md"; whole && have != b.text || !strings.Contains(have, b.text) {
					t.Errorf("%s: the block of %s differs from the file", d.path, b.info)
				}
			}
		}
	}
}

// call finds calls of netcore in a line of shell, from where a command may begin
// to what ends it.
var call = regexp.MustCompile(`(?:^|[(|;&] ?)(?:bin/)?netcore ([^|;&>)#]*)`)

// shellLines are the commands of a block: all its lines, or those behind a prompt.
func (b block) shellLines() (lines []string) {
	for line := range strings.Lines(b.text) {
		line = strings.TrimSpace(line)
		command, prompt := strings.CutPrefix(line, "$ ")
		if b.language == "sh" || b.language == "console" && prompt {
			lines = append(lines, command)
		}
		if command, ok := strings.CutPrefix(line, "Exec"); b.language == "ini" && ok {
			_, command, _ = strings.Cut(command, "=/usr/bin/")
			lines = append(lines, command)
		}
	}
	return lines
}

// TestDocsCommands: the verbs and flags that are shown exist.
func TestDocsCommands(t *testing.T) {
	makefile := readFile(t, root+"/Makefile")
	calls := 0
	for _, d := range docs(t) {
		for _, b := range d.blocks {
			for _, line := range b.shellLines() {
				for _, m := range call.FindAllStringSubmatch(line, -1) {
					calls++
					if err := checkCall(t, strings.Fields(m[1])); err != nil {
						t.Errorf("%s: %s: %v", d.path, line, err)
					}
				}
				if target, ok := strings.CutPrefix(line, "make "); ok {
					target, _, _ = strings.Cut(target, " ")
					if !strings.Contains(makefile, "\n"+target+":") {
						t.Errorf("%s: %s: the Makefile has no such target", d.path, line)
					}
				}
			}
		}
	}
	if calls < 20 {
		t.Errorf("%d calls of netcore are shown, want those of README and the guides", calls)
	}
}

// checkCall says what netcore would not take of args.
func checkCall(t *testing.T, args []string) error {
	t.Helper()
	commands := newWorld(t).rootCommand()
	commands.InitDefaultCompletionCmd(args...)
	cmd, rest, err := commands.Find(args)
	if err != nil {
		return err
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	if cmd.HasSubCommands() {
		return cmd.Help()
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}

var tableVerb = regexp.MustCompile("(?m)^\\| `netcore ([a-z ]+?)(?: [A-Z]+)?` \\|")

// TestReadmeVerbs: README's table has each verb, and no other.
func TestReadmeVerbs(t *testing.T) {
	var have, want []string
	for _, m := range tableVerb.FindAllStringSubmatch(readDoc(t, root+"/README.md").text, -1) {
		have = append(have, m[1])
	}
	commands := newWorld(t).rootCommand()
	want = append(verbs(commands), "completion")
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("README's table has the verbs\n%q, want\n%q", have, want)
	}
}

// verbs are the paths of all commands that do something.
func verbs(parent *cobra.Command) (all []string) {
	for _, cmd := range parent.Commands() {
		if cmd.HasSubCommands() {
			all = append(all, verbs(cmd)...)
			continue
		}
		all = append(all, strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" "))
	}
	return all
}

var yamlKey = regexp.MustCompile(`(?m)^(?:# ?)?([ -]*)(?:# )?([ ]*)([a-z][a-z0-9_]*):(?: |$)`)

// TestOperatorsKeys: the guide for operators explains each key of the default
// configuration, whose comments have all.
func TestOperatorsKeys(t *testing.T) {
	guide := readDoc(t, root+"/docs/operators.md").text
	keys := 0
	for _, m := range yamlKey.FindAllStringSubmatch(config.DefaultYAML(), -1) {
		if m[3] == "tcp" || m[3] == "chat" {
			continue // names of plugins
		}
		keys++
		if !regexp.MustCompile("`([a-z_]+\\.)?" + m[3] + "[`.]").MatchString(guide) {
			t.Errorf("docs/operators.md does not explain the key %s", m[3])
		}
	}
	if keys < 20 {
		t.Errorf("the default configuration shows %d keys, want all", keys)
	}
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// TestDocsLinks: files that are linked to are there. The benchmarks are written
// by make bench.
func TestDocsLinks(t *testing.T) {
	for _, d := range docs(t) {
		for _, m := range link.FindAllStringSubmatch(d.text, -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") || target == "docs/benchmarks.md" {
				continue
			}
			path := filepath.Join(root, filepath.Dir(d.path), target)
			if target == "" {
				path = filepath.Join(root, d.path)
			}
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s: link to %s: %v", d.path, m[1], err)
				continue
			}
			if anchor != "" && !slices.Contains(anchors(readFile(t, path)), anchor) {
				t.Errorf("%s: link to %s: there is no such heading", d.path, m[1])
			}
		}
	}
}

var heading = regexp.MustCompile(`(?m)^#+ (.*)$`)

// anchors are a text's headings as links name them.
func anchors(text string) (all []string) {
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		name := strings.ReplaceAll(strings.ToLower(m[1]), " ", "-")
		all = append(all, regexp.MustCompile("[^a-z0-9-]").ReplaceAllString(name, ""))
	}
	return all
}
