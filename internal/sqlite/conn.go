package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"time"

	"modernc.org/sqlite"
)

// A conn is one connection with its prepared queries. It belongs to one
// goroutine at a time. It uses the driver without package database/sql, which
// would add locks, reflection and goroutines to every statement.
type conn struct {
	raw   driver.Conn
	stmts map[string]driver.Stmt // by the name of the query
	args  []driver.NamedValue    // reused by every statement
	wal   int64                  // of the writer: about how many bytes the WAL has grown since it was copied
}

// connect opens the file and sets the settings that dsn holds.
func connect(dsn string) (*conn, error) {
	raw, err := new(sqlite.Driver).Open(dsn)
	if err != nil {
		return nil, err
	}
	return &conn{raw: raw, stmts: make(map[string]driver.Stmt)}, nil
}

// prepare compiles queries, by name.
func (c *conn) prepare(queries map[string]string) error {
	for name, text := range queries {
		stmt, err := c.raw.Prepare(text)
		if err != nil {
			return fmt.Errorf("query %s: %w", name, err)
		}
		c.stmts[name] = stmt
	}
	return nil
}

// close ends the connection.
func (c *conn) close() error {
	var errs []error
	for _, stmt := range c.stmts {
		errs = append(errs, stmt.Close())
	}
	return errors.Join(append(errs, c.raw.Close())...)
}

// exec runs a prepared query that returns no rows and returns how many rows it
// changed. Arguments are int64, string, []byte or nil.
func (c *conn) exec(ctx context.Context, name string, args ...driver.Value) (int64, error) {
	stmt, ok := c.stmts[name].(driver.StmtExecContext)
	if !ok {
		return 0, fmt.Errorf("no query %s", name)
	}
	res, err := stmt.ExecContext(ctx, c.bind(args))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return res.RowsAffected()
}

// query runs a prepared query and calls scan for each row. Rows are only valid
// inside scan, which must not run a statement of the same name.
func (c *conn) query(ctx context.Context, name string, scan func(*row), args ...driver.Value) error {
	stmt, ok := c.stmts[name].(driver.StmtQueryContext)
	if !ok {
		return fmt.Errorf("no query %s", name)
	}
	rows, err := stmt.QueryContext(ctx, c.bind(args))
	if err == nil {
		err = each(rows, scan)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// run executes SQL that is not one of the prepared queries.
func (c *conn) run(ctx context.Context, text string, args ...driver.Value) error {
	execer, ok := c.raw.(driver.ExecerContext)
	if !ok {
		return errors.New("driver without ExecContext")
	}
	_, err := execer.ExecContext(ctx, text, c.bind(args))
	return err
}

// ask is query for SQL that is not one of the prepared queries.
func (c *conn) ask(ctx context.Context, text string, scan func(*row), args ...driver.Value) error {
	queryer, ok := c.raw.(driver.QueryerContext)
	if !ok {
		return errors.New("driver without QueryContext")
	}
	rows, err := queryer.QueryContext(ctx, text, c.bind(args))
	if err != nil {
		return err
	}
	return each(rows, scan)
}

func (c *conn) bind(args []driver.Value) []driver.NamedValue {
	c.args = c.args[:0]
	for i, value := range args {
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: value})
	}
	return c.args
}

// each reads rows to their end and closes them.
func each(rows driver.Rows, scan func(*row)) error {
	r := row{values: make([]driver.Value, len(rows.Columns()))}
	for {
		err := rows.Next(r.values)
		if errors.Is(err, io.EOF) {
			return rows.Close()
		}
		if err != nil {
			return errors.Join(err, rows.Close())
		}
		r.at = 0
		scan(&r)
	}
}

// A row reads the columns of a result from left to right. The tables are
// STRICT, so a value of another type is NULL and reads as zero.
type row struct {
	values []driver.Value
	at     int
}

func (r *row) next() driver.Value {
	value := r.values[r.at]
	r.at++
	return value
}

func (r *row) int() int64 {
	n, _ := r.next().(int64)
	return n
}

func (r *row) text() string {
	s, _ := r.next().(string)
	return s
}

func (r *row) blob() []byte {
	b, _ := r.next().([]byte)
	return b
}

func (r *row) time() time.Time { return timeAt(r.int()) }

// intOrNil reads a column in which NULL means that the number is not known.
func (r *row) intOrNil() *int64 {
	n, ok := r.next().(int64)
	if !ok {
		return nil
	}
	return &n
}

// micros is t as the ledger stores it.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// timeAt is the time that micros stored.
func timeAt(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
