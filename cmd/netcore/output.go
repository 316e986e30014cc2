package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"
)

// An outputFlag is -o.
type outputFlag struct{ format string }

func (o *outputFlag) add(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&o.format, "output", "o", "table", "output format: table or json")
	complete := cobra.FixedCompletions([]string{"table", "json"}, cobra.ShellCompDirectiveNoFileComp)
	if err := cmd.RegisterFlagCompletionFunc("output", complete); err != nil {
		panic(err) // the flag is there, two lines above
	}
}

// check reports a format that does not exist; verbs that change something call
// it before they do.
func (o outputFlag) check() error {
	if o.format != "table" && o.format != "json" {
		return fmt.Errorf("output is %q, want table or json", o.format)
	}
	return nil
}

// print writes v as JSON, or as f draws it.
func (a *app) print(o outputFlag, v any, f func(*table)) error {
	if err := o.check(); err != nil {
		return err
	}
	if o.format == "json" {
		e := json.NewEncoder(a.stdout)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(v)
	}
	t := &table{w: tabwriter.NewWriter(a.stdout, 0, 8, 2, ' ', 0)}
	f(t)
	return t.w.Flush()
}

// done says that an operation without an answer was carried out.
func (a *app) done(o outputFlag, result string) error {
	return a.print(o, map[string]string{"result": result}, func(t *table) { t.line("%s", result) })
}

// A table writes lines of text, and rows whose columns are aligned with those
// of the rows around them. Errors of writing come back from the Flush at its end.
type table struct{ w *tabwriter.Writer }

// row writes one row.
func (t *table) row(cells ...any) {
	texts := make([]string, len(cells))
	for i, c := range cells {
		texts[i] = printable(fmt.Sprint(c))
		if texts[i] == "" {
			texts[i] = "-"
		}
	}
	fmt.Fprintln(t.w, strings.Join(texts, "\t"))
}

// line writes a line that is no row.
func (t *table) line(format string, args ...any) {
	fmt.Fprintln(t.w, printable(fmt.Sprintf(format, args...)))
}

// printable keeps what a plugin or a peer has named from moving the cursor.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, s)
}

// span is how long ago t was, as a column shows it.
func (a *app) span(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return round(a.now().Sub(t)).String()
}

// round leaves about three digits of a duration.
func round(d time.Duration) time.Duration {
	switch {
	case d >= time.Minute:
		return d.Round(time.Second)
	case d >= time.Second:
		return d.Round(10 * time.Millisecond)
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(10 * time.Nanosecond)
}
