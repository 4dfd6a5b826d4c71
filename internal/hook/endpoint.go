package hook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/fetch"
)

const (
	limit     = 5 * time.Second // all tries and the pauses between them
	tries     = 3
	apart     = 2 * time.Second // from the end of a try to the next
	maxAnswer = 200 << 10       // bytes
)

// An endpoint is where one hook is asked.
type endpoint struct {
	uri   string
	keys  []*standardwebhooks.Webhook
	out   *fetch.Client
	limit time.Duration
}

// call returns the JSON object that the hook answers to body, or nil if it changes
// nothing. It fails with a *Refusal, and with ErrHookTimeout,
// ErrHookTimeoutAfterRetry, ErrHookTooLarge or ErrHookContentType; what else is
// wrong with the answer is an internal failure.
func (e *endpoint) call(ctx context.Context, id headykey.ID, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, e.limit)
	defer cancel()
	for left := tries - 1; ; left-- {
		header, err := e.header(id, body)
		if err != nil {
			return nil, err
		}
		answer, err := e.out.Ask(ctx, e.uri, "application/json", body, header, maxAnswer)
		if !passes(answer, err) {
			return content(answer, err)
		}
		if left > 0 && pause(ctx) {
			continue
		}
		if late := lateness(ctx, err); late != nil {
			return nil, late
		}
		return content(answer, err)
	}
}

// header signs one try. A hook that is sent the same id twice was asked once: we did
// not hear its answer.
func (e *endpoint) header(id headykey.ID, body []byte) (http.Header, error) {
	now := time.Now()
	var signatures []string
	for _, key := range e.keys {
		one, err := key.Sign(string(id), now, body)
		if err != nil {
			return nil, fmt.Errorf("sign: %w", err)
		}
		signatures = append(signatures, one)
	}
	return http.Header{
		"Accept":            {"application/json"},
		"Webhook-Id":        {string(id)},
		"Webhook-Timestamp": {strconv.FormatInt(now.Unix(), 10)},
		"Webhook-Signature": {strings.Join(signatures, " ")},
	}, nil
}

// passes reports a failure that another try may not meet. Retry-After need not say
// when: that it is there is the hook's wish to be asked again.
func passes(answer fetch.Answer, err error) bool {
	busy := answer.Status == http.StatusTooManyRequests || answer.Status == http.StatusServiceUnavailable
	return errors.Is(err, fetch.ErrUnreachable) || busy && answer.RetryAfter != ""
}

// pause reports whether there is time for another try.
func pause(ctx context.Context) bool {
	t := time.NewTimer(apart)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// lateness says why no try got an answer, or nil: err is how the last one ended.
func lateness(ctx context.Context, err error) error {
	switch late := ctx.Err(); {
	case errors.Is(late, context.DeadlineExceeded):
		return headykey.ErrHookTimeout
	case late != nil:
		return late // the caller left: no fault of the hook
	case errors.Is(err, fetch.ErrUnreachable):
		return fmt.Errorf("%w: %w", headykey.ErrHookTimeoutAfterRetry, err)
	}
	return nil
}
