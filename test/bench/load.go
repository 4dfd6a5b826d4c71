//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// A target is who is asked, and whose CPU time that costs.
type target struct {
	address string
	meters  []meter
}

// used returns the CPU time of all that serve the target.
func (t target) used() (time.Duration, error) {
	var sum time.Duration
	for _, m := range t.meters {
		d, err := m.used()
		if err != nil {
			return 0, err
		}
		sum += d
	}
	return sum, nil
}

// An operation is one thing to ask again and again.
type operation struct {
	name   string
	conns  int  // keep-alive connections
	people int  // who take turns; never one person on two connections, but for 1
	bars   bars // cap/s that it should reach
	want   int  // status of a good answer; 0: 200

	// ask appends the request of p, turn by turn, to buf.
	ask func(buf []byte, p *person, turn int) []byte
	// hear reads what the next request of p needs from an answer; nil: nothing.
	hear func(p *person, a answer) error
	// then is what follows at once and belongs to the same call; nil: nothing.
	then *operation
}

// An answer is good until the next request on its line.
type answer struct{ body, location []byte }

// bars are by engine; 0: none.
type bars struct{ sqlite, postgres float64 }

// A round is what one operation cost for a while.
type round struct {
	count int
	cpu   time.Duration   // of target, all together
	wall  time.Duration   // from the first request to the last answer
	took  []time.Duration // each request, sorted
}

// perCall is the CPU time of one call, in microseconds.
func (r round) perCall() float64 { return float64(r.cpu.Nanoseconds()) / 1e3 / float64(r.count) }

func (r round) rate() float64 { return float64(r.count) / r.wall.Seconds() }

// quantile returns the time in milliseconds within which the share q was answered.
func (r round) quantile(q float64) float64 {
	i := min(int(q*float64(len(r.took))), len(r.took)-1)
	return float64(r.took[i].Nanoseconds()) / 1e6
}

// drive does op at t for a window, with crowd's people, on open connections. A
// window of 0 lasts until each of op's people had one turn.
func drive(ctx context.Context, t target, op operation, crowd []person, window time.Duration) (round, error) {
	lines, err := dialAll(ctx, t.address, op.conns)
	if err != nil {
		return round{}, err
	}
	defer hangUp(lines)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	before, err := t.used()
	if err != nil {
		return round{}, err
	}
	began := time.Now()
	var wg sync.WaitGroup
	for i, l := range lines {
		wg.Go(func() {
			var err error
			for turn := i; err == nil && ctx.Err() == nil && more(op, turn, time.Since(began), window); turn += op.conns {
				err = l.call(op, &crowd[turn%op.people], turn)
			}
			if err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	r := round{wall: time.Since(began)}
	after, err := t.used()
	if err != nil {
		return round{}, err
	}
	if err := context.Cause(ctx); err != nil {
		return round{}, fmt.Errorf("%s: %w", op.name, err)
	}
	r.cpu = after - before
	for _, l := range lines {
		r.took = append(r.took, l.took...)
	}
	slices.Sort(r.took)
	r.count = len(r.took)
	return r, nil
}

// A line is one keep-alive connection, spoken to in as few words as HTTP allows:
// the less the generator does, the more is left of the machine.
type line struct {
	conn net.Conn
	in   *bufio.Reader
	out  []byte
	body []byte
	took []time.Duration

	location []byte // of the last answer
}

func dialAll(ctx context.Context, address string, n int) ([]*line, error) {
	lines := make([]*line, 0, n)
	for range n {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			hangUp(lines)
			return nil, err
		}
		lines = append(lines, &line{conn: conn, in: bufio.NewReader(conn)})
	}
	return lines, nil
}

// hangUp closes connections without leaving their ports in TIME_WAIT.
func hangUp(lines []*line) {
	for _, l := range lines {
		if tcp, ok := l.conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = l.conn.Close()
	}
}

// more reports whether there is another turn, numbered from 0 over all connections.
func more(op operation, turn int, passed, window time.Duration) bool {
	if window == 0 {
		return turn < op.people
	}
	return passed < window
}

// call does op once.
func (l *line) call(op operation, p *person, turn int) error {
	began := time.Now()
	for step := &op; step != nil; step = step.then {
		if err := l.step(step, p, turn); err != nil {
			return err
		}
	}
	l.took = append(l.took, time.Since(began))
	return nil
}

// step does one request of an operation.
func (l *line) step(op *operation, p *person, turn int) error {
	status, err := l.exchange(op.ask(l.out[:0], p, turn))
	if err != nil {
		return err
	}
	if want := max(op.want, http.StatusOK); status != want {
		return fmt.Errorf("status %d, want %d: %.200s %s", status, want, l.body, l.location)
	}
	if op.hear == nil {
		return nil
	}
	return op.hear(p, answer{l.body, l.location})
}

// patience bounds one request.
const patience = 55 * time.Second

// exchange sends a request and reads its answer to l.body.
func (l *line) exchange(request []byte) (status int, err error) {
	l.out = request
	if err := l.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	if _, err := l.conn.Write(request); err != nil {
		return 0, err
	}
	status, length, err := l.readHead()
	if err != nil {
		return 0, err
	}
	l.body = slices.Grow(l.body[:0], length)[:length]
	_, err = io.ReadFull(l.in, l.body)
	return status, err
}

var (
	contentLength = []byte("Content-Length: ")
	location      = []byte("Location: ")
)

// readHead reads an answer up to its body, whose length it must name, as every
// answer of ours does.
func (l *line) readHead() (status, length int, err error) {
	l.location = l.location[:0]
	first, err := l.in.ReadSlice('\n')
	if err != nil {
		return 0, 0, err
	}
	if len(first) < len("HTTP/1.1 200") {
		return 0, 0, fmt.Errorf("not HTTP: %.40q", first)
	}
	if status, err = strconv.Atoi(string(first[9:12])); err != nil {
		return 0, 0, fmt.Errorf("not HTTP: %.40q", first)
	}
	length = -1
	for {
		head, err := l.in.ReadSlice('\n')
		if err != nil {
			return 0, 0, err
		}
		head = bytes.TrimSuffix(bytes.TrimSuffix(head, []byte("\n")), []byte("\r"))
		if len(head) == 0 {
			break
		}
		if value, ok := bytes.CutPrefix(head, location); ok {
			l.location = append(l.location, value...)
		}
		if value, ok := bytes.CutPrefix(head, contentLength); ok {
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, 0, err
			}
		}
	}
	if length < 0 {
		return 0, 0, fmt.Errorf("an answer %d without Content-Length", status)
	}
	return status, length, nil
}
