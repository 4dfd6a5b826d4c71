package oauth

import (
	"sync"
	"time"
)

const (
	// onceLife is how long what was used is remembered at least: as long as a DPoP
	// proof can count.
	onceLife = proofAge + proofAhead + time.Second
	maxOnce  = 121_393 // kept in one generation: fib 26, about ten megabytes
)

// A once remembers, on this node, what was used: a generation as it fills and the
// one before. It forgets nothing before onceLife is over, unless more than maxOnce
// come in that time: then the oldest go first. The zero once is ready.
type once struct {
	mu         sync.Mutex
	young, old map[[32]byte]struct{}
	turned     time.Time // when young began
}

// first reports whether what is named so was not used before, and remembers it.
func (o *once) first(name [32]byte, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if age := now.Sub(o.turned); age >= onceLife || len(o.young) >= maxOnce {
		if o.old = o.young; age >= 2*onceLife {
			o.old = nil
		}
		o.young, o.turned = map[[32]byte]struct{}{}, now
	}
	_, young := o.young[name]
	_, old := o.old[name]
	if young || old {
		return false
	}
	o.young[name] = struct{}{}
	return true
}
