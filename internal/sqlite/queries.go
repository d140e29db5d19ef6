package sqlite

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

//go:embed schema/*.sql
var schemaFiles embed.FS

//go:embed query/*.sql
var queryFiles embed.FS

// readerQuery reports whether readers prepare the queries of a file.
func readerQuery(file string) bool {
	return file == "read.sql" || file == "lane.sql" || file == "purge.sql" || file == "check.sql"
}

// loadQueries returns the queries of the files that want says yes to.
func loadQueries(want func(file string) bool) (map[string]string, error) {
	files, err := fs.ReadDir(queryFiles, "query")
	if err != nil {
		return nil, err
	}
	queries := make(map[string]string)
	for _, file := range files {
		if !want(file.Name()) {
			continue
		}
		text, err := queryFiles.ReadFile("query/" + file.Name())
		if err != nil {
			return nil, err
		}
		if err := splitQueries(string(text), queries); err != nil {
			return nil, fmt.Errorf("query/%s: %w", file.Name(), err)
		}
	}
	return queries, nil
}

// splitQueries adds the queries in text: each begins with a line
// "-- name: NAME" and ends with a semicolon at the end of a line.
func splitQueries(text string, into map[string]string) error {
	for i, part := range strings.Split(text, "-- name: ") {
		if i == 0 {
			continue // the comment at the top of the file
		}
		name, query, _ := strings.Cut(part, "\n")
		query, _, ok := strings.Cut(query, ";\n")
		if _, twice := into[name]; twice || !ok || name == "" {
			return fmt.Errorf("query %q is there twice or has no end", name)
		}
		into[name] = query
	}
	return nil
}

// writerQuery reports whether the writer prepares the queries of a file.
func writerQuery(file string) bool { return file != "read.sql" && file != "check.sql" }
