package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

// A crowdAnswer is how one event of a crowd was answered.
type crowdAnswer struct {
	Status         int // 0: not at all
	Job            string
	Sent, Answered time.Time // its last byte; the first byte of the answer
}

// sendCrowd is a process of its own that opens CONNECTIONS connections to
// ADDRESS and, once all are open, sends EVENTS different events made of TEMPLATE
// over them, on each one after another. It has signed them before, so that it
// takes little of the processor from what is measured. It prints the answers.
func sendCrowd(args []string) int {
	answers, err := newCrowd(args)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(answers)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func newCrowd(args []string) ([]crowdAnswer, error) {
	if len(args) != 4 {
		return nil, errors.New("usage: event-crowd ADDRESS TEMPLATE CONNECTIONS EVENTS")
	}
	template, err := os.ReadFile(args[1])
	if err != nil {
		return nil, err
	}
	connections, err1 := strconv.Atoi(args[2])
	events, err2 := strconv.Atoi(args[3])
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	requests := make([][]byte, events)
	for n := range requests {
		if requests[n], err = crowdRequest(args[0], template, n); err != nil {
			return nil, err
		}
	}
	members, err := openCrowd(args[0], connections)
	if err != nil {
		return nil, err
	}
	answers := make([]crowdAnswer, events)
	var all sync.WaitGroup
	for i := range members {
		m := &members[i]
		all.Go(func() {
			for n := i; n < events; n += connections {
				answers[n] = m.send(requests[n])
			}
		})
	}
	all.Wait()
	return answers, nil
}

// crowdRequest is an event as it goes over the wire.
func crowdRequest(address string, template []byte, n int) ([]byte, error) {
	signed, err := signCase(template, fmt.Sprintf("case-%07d", n+1), int64(n+1))
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://"+address+"/hooks/callback", bytes.NewReader(signed.Body))
	if err != nil {
		return nil, err
	}
	req.Header = signed.Header
	var wire bytes.Buffer
	err = req.Write(&wire)
	return wire.Bytes(), err
}

// A crowdMember is one connection of a crowd.
type crowdMember struct {
	address string
	conn    net.Conn // nil: to be opened
	answer  *bufio.Reader
}

func (m *crowdMember) open() error {
	conn, err := net.DialTimeout("tcp", m.address, 10*time.Second)
	if err == nil {
		m.conn, m.answer = conn, bufio.NewReaderSize(conn, 1024)
	}
	return err
}

// openCrowd opens the connections, a few at a time, and waits for all of them.
func openCrowd(address string, connections int) ([]crowdMember, error) {
	members, failed := make([]crowdMember, connections), make([]error, connections)
	var all sync.WaitGroup
	slots := make(chan struct{}, 64)
	for i := range members {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			members[i].address = address
			failed[i] = members[i].open()
		})
	}
	all.Wait()
	return members, errors.Join(failed...)
}

// send sends one request and reads its answer.
func (m *crowdMember) send(request []byte) (a crowdAnswer) {
	if m.conn == nil && m.open() != nil {
		return a
	}
	_ = m.conn.SetDeadline(time.Now().Add(time.Minute))
	_, err := m.conn.Write(request)
	a.Sent = time.Now()
	_, read := m.answer.Peek(1)
	a.Answered = time.Now()
	if err != nil || read != nil {
		return a
	}
	resp, err := http.ReadResponse(m.answer, nil)
	if err != nil {
		return a
	}
	var doc reply
	if err := errors.Join(json.NewDecoder(resp.Body).Decode(&doc), resp.Body.Close()); err != nil {
		return a
	}
	if a.Status, a.Job = resp.StatusCode, doc.Job; resp.Close {
		_ = m.conn.Close()
		m.conn = nil
	}
	return a
}
