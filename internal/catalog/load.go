package catalog

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

//go:embed models.json
var data []byte

// document is the file models.json.
type document struct {
	AsOf    Date     `json:"as_of"` // the day on which the data was last compared with its sources
	Unit    string   `json:"unit"`
	Sources []string `json:"sources"`
	Models  []Model  `json:"models"`
}

// load decodes the embedded data once. That it decodes is a matter of the
// build, proven by the tests, not of any input.
var load = sync.OnceValue(func() document {
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		panic(fmt.Sprintf("catalog: embedded models.json: %v", err))
	}
	return d
})

// index finds a model by any of its names.
var index = sync.OnceValue(func() map[string]Model {
	byName := make(map[string]Model)
	for _, m := range load().Models {
		byName[m.ID] = m
		for _, alias := range m.Aliases {
			byName[alias] = m
		}
	}
	return byName
})

// A Date is a calendar day in UTC, written 2026-11-30.
type Date struct{ time.Time }

// UnmarshalText reads a day.
func (d *Date) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.DateOnly, string(text))
	if err != nil {
		return fmt.Errorf("date %q: %w", text, err)
	}
	d.Time = t
	return nil
}

// UnmarshalJSON reads a day from a JSON string.
func (d *Date) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("date: %w", err)
	}
	return d.UnmarshalText([]byte(s))
}

// String returns the day, or nothing for the zero date.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return d.Format(time.DateOnly)
}
