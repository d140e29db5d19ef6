package githubtest

import (
	"fmt"
	"net/http"
	"strings"
)

// A Fault is a failure by script. It strikes the first Times requests that it
// matches.
type Fault struct {
	Method string // empty: any
	Path   string // part of the path; empty: any
	Times  int    // 0: once; negative: for ever
	// Status is answered; 0 with Cut: none.
	Status  int
	Header  http.Header
	Message string
	// AfterEffect lets the request do its work first: the write happened, and
	// nobody is told.
	AfterEffect bool
	// Cut closes the connection without an answer.
	Cut bool
}

// Fail adds a fault to the script.
func (s *Server) Fail(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Times == 0 {
		f.Times = 1
	}
	s.faults = append(s.faults, &f)
}

// strike takes the fault that hits this request, if any. The caller holds mu.
func (s *Server) strike(r *http.Request) *Fault {
	for _, f := range s.faults {
		if f.Times == 0 || (f.Method != "" && f.Method != r.Method) || !strings.Contains(r.URL.Path, f.Path) {
			continue
		}
		if f.Times > 0 {
			f.Times--
		}
		return f
	}
	return nil
}

// answer is what the client sees of a fault.
func (f *Fault) answer(w http.ResponseWriter) {
	if f.Cut {
		panic(http.ErrAbortHandler) // how net/http closes a connection without an answer
	}
	for name, values := range f.Header {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	message := f.Message
	if message == "" {
		message = fmt.Sprintf("scripted %d", f.Status)
	}
	problem(w, f.Status, message)
}
