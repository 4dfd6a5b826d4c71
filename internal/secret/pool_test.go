package secret

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// occupy takes one worker of p until the returned function is called.
func occupy(p *Pool) (release func()) {
	hold := make(chan struct{})
	go func() {
		_, _ = run(context.Background(), p, func() (int, error) { <-hold; return 0, nil })
	}()
	synctest.Wait()
	return func() { close(hold) }
}

func TestAPoolHashesAndVerifies(t *testing.T) {
	p := NewPool(0, 0, 0)
	defer p.Close()
	ctx := t.Context()
	hash, err := p.Hash(ctx, "a long walk in the snow")
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := p.Verify(ctx, hash, "a long walk in the snow"); !ok || err != nil {
		t.Errorf("the right password: got %t, %v", ok, err)
	}
	if ok, err := p.Verify(ctx, hash, "a long walk in the rain"); ok || err != nil {
		t.Errorf("a wrong password: got %t, %v", ok, err)
	}
	if ok, err := p.VerifyDummy(ctx, "a long walk in the snow"); ok || err != nil {
		t.Errorf("an unknown person: got %t, %v", ok, err)
	}
	if ok, err := p.Verify(ctx, "$9$?", "a long walk in the snow"); ok || !errors.Is(err, ErrUnusableHash) {
		t.Errorf("an unusable hash: got %t, %v", ok, err)
	}
}

func TestTheDummyHashIsOneOfOurs(t *testing.T) {
	if err := CheckHash(dummyHash); err != nil || NeedsUpgrade(dummyHash) {
		t.Errorf("got %v, upgrade %t: an unknown person would show by the time taken", err, NeedsUpgrade(dummyHash))
	}
}

func TestFirstComeFirstServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(1, 21, time.Minute)
		defer p.Close()
		release := occupy(p)
		var served, want []int
		var callers sync.WaitGroup
		for i := range 21 {
			want = append(want, i)
			callers.Go(func() {
				_, err := run(t.Context(), p, func() (int, error) { served = append(served, i); return i, nil })
				if err != nil {
					t.Errorf("caller %d: %v", i, err)
				}
			})
			synctest.Wait()
		}
		if got := p.Depth(); got != 21 {
			t.Errorf("depth: got %d, want 21", got)
		}
		release()
		callers.Wait()
		if !slices.Equal(served, want) {
			t.Errorf("got %v, want %v", served, want)
		}
		if got := p.Depth(); got != 0 {
			t.Errorf("depth at the end: got %d, want 0", got)
		}
	})
}

func TestAFullQueueIsBusyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(1, 2, time.Minute)
		release := occupy(p)
		var waiting sync.WaitGroup
		for range 2 {
			waiting.Go(func() { _, _ = run(t.Context(), p, func() (int, error) { return 0, nil }) })
		}
		synctest.Wait()
		begin := time.Now()
		for name, ask := range map[string]func() error{
			"hash":           func() error { _, err := p.Hash(t.Context(), "x"); return err },
			"verify":         func() error { _, err := p.Verify(t.Context(), dummyHash, "x"); return err },
			"unknown person": func() error { _, err := p.VerifyDummy(t.Context(), "x"); return err },
		} {
			if err := ask(); !errors.Is(err, ErrBusy) || time.Since(begin) != 0 {
				t.Errorf("%s: got %v after %v, want ErrBusy at once", name, err, time.Since(begin))
			}
		}
		release()
		waiting.Wait()
		p.Close()
	})
}

func TestWhoWaitsBeyondTheDeadlineIsToldAndSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(1, 8, 3*time.Second)
		release := occupy(p)
		ran := false
		begin := time.Now()
		_, err := run(t.Context(), p, func() (int, error) { ran = true; return 0, nil })
		if !errors.Is(err, ErrBusy) || time.Since(begin) != 3*time.Second {
			t.Errorf("got %v after %v, want ErrBusy after 3s", err, time.Since(begin))
		}
		release()
		if _, err := run(t.Context(), p, func() (int, error) { return 0, nil }); err != nil {
			t.Errorf("the next: %v", err)
		}
		p.Close()
		if ran {
			t.Error("a password nobody waits for was hashed")
		}
	})
}

func TestTheDeadlineIsForTheWaitNotForTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(1, 8, time.Second)
		defer p.Close()
		got, err := run(t.Context(), p, func() (int, error) { time.Sleep(5 * time.Second); return 21, nil })
		if got != 21 || err != nil {
			t.Errorf("got %d, %v, want 21", got, err)
		}
	})
}

func TestACallerWhoLeavesIsSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(1, 8, time.Minute)
		release := occupy(p)
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		ran := false
		_, err := run(ctx, p, func() (int, error) { ran = true; return 0, nil })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want DeadlineExceeded", err)
		}
		release()
		synctest.Wait()
		p.Close()
		if ran {
			t.Error("a password nobody waits for was hashed")
		}
	})
}

func TestACallerWhoLeavesDuringTheWorkIsNotHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(1, 8, time.Minute)
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		begin := time.Now()
		got, err := run(ctx, p, func() (int, error) { time.Sleep(time.Hour); return 21, nil })
		if got != 0 || !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != time.Second {
			t.Errorf("got %d, %v after %v, want DeadlineExceeded after 1s", got, err, time.Since(begin))
		}
		p.Close()
	})
}

func TestCloseFinishesTheWorkAndSendsTheRestAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(1, 8, time.Minute)
		hold := make(chan struct{})
		errs := make([]error, 3)
		var callers sync.WaitGroup
		for i := range errs {
			callers.Go(func() { _, errs[i] = run(t.Context(), p, func() (int, error) { <-hold; return 0, nil }) })
			synctest.Wait()
		}
		go p.Close()
		synctest.Wait()
		close(hold)
		callers.Wait()
		if errs[0] != nil || !errors.Is(errs[1], ErrClosed) || !errors.Is(errs[2], ErrClosed) {
			t.Errorf("got %v, want the first done and the others ErrClosed", errs)
		}
		if _, err := p.Hash(t.Context(), "x"); !errors.Is(err, ErrClosed) {
			t.Errorf("afterwards: got %v, want ErrClosed", err)
		}
		p.Close()
	})
}

func BenchmarkPoolVerify(b *testing.B) {
	p := NewPool(0, 0, time.Minute)
	defer p.Close()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.VerifyDummy(b.Context(), "a long walk in the snow"); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPoolOverhead is the pool alone, without a hash.
func BenchmarkPoolOverhead(b *testing.B) {
	p := NewPool(1, 0, time.Minute)
	defer p.Close()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := run(b.Context(), p, func() (int, error) { return 0, nil }); err != nil {
			b.Fatal(err)
		}
	}
}
