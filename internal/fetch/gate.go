package fetch

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

const (
	maxOpen     = 34              // requests under way
	maxOpenHost = 5               // of them to one host
	maxIn       = 233             // under way or waiting
	maxInHost   = 55              // of them for one host
	patience    = 5 * time.Second // of one that waits
)

// errBusy says that we have too much to do: the server is not to blame.
var errBusy = fmt.Errorf("%w: too many requests are under way", ErrUnreachable)

// A gate lets few requests through at once. One that waits for a slow host waits
// at that host's door and takes no place from the others.
type gate struct {
	all   *semaphore.Weighted
	mu    sync.Mutex
	in    int // under way or waiting
	hosts map[string]*host
}

// A host is one that somebody is at or waits for.
type host struct {
	open *semaphore.Weighted
	in   int
}

// enter waits for a place. It fails with errBusy if too many wait, or if none
// becomes free in time; then nothing needs to be left.
func (g *gate) enter(ctx context.Context, name string) (leave func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	h, err := g.join(name)
	if err != nil {
		return nil, err
	}
	if err := h.open.Acquire(ctx, 1); err != nil {
		g.part(name, h)
		return nil, fmt.Errorf("%w: %w", errBusy, err)
	}
	if err := g.all.Acquire(ctx, 1); err != nil {
		h.open.Release(1)
		g.part(name, h)
		return nil, fmt.Errorf("%w: %w", errBusy, err)
	}
	return func() {
		g.all.Release(1)
		h.open.Release(1)
		g.part(name, h)
	}, nil
}

func (g *gate) join(name string) (*host, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	h := g.hosts[name]
	if g.in >= maxIn || h != nil && h.in >= maxInHost {
		return nil, errBusy
	}
	if h == nil {
		h = &host{open: semaphore.NewWeighted(maxOpenHost)}
		g.hosts[name] = h
	}
	g.in++
	h.in++
	return h, nil
}

// part forgets a host that nobody is at any more.
func (g *gate) part(name string, h *host) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.in--
	if h.in--; h.in == 0 {
		delete(g.hosts, name)
	}
}
