package config_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netcore-go/netcore/cmd/netcore/internal/config"
)

var update = flag.Bool("update", false, "write the golden files of testdata anew")

// TestErrors loads each testdata/NAME.yaml and compares what is wrong with
// NAME.err; the test's own directories are BIN and WORK there.
func TestErrors(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("Glob() = %v, %v", files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			place := newPlace(t)
			path := writeFile(t, place, string(text))
			_, err = config.Load(config.Source{Path: path, Place: place})
			got := strings.NewReplacer(place.WorkDir, "WORK", filepath.Dir(place.Executable), "BIN").
				Replace(errorText(err)) + "\n"
			golden := strings.TrimSuffix(file, ".yaml") + ".err"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("Load() =\n%swant\n%s", got, want)
			}
		})
	}
}
