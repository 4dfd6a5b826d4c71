package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"headykey.com/headykey/internal/fetch"
	"headykey.com/headykey/internal/oauth"
	"headykey.com/headykey/internal/outbox"
)

// ping tells a client that its person has answered (CIBA Core §10.2). A client that
// answers, whatever it says, is not told again, and a redirect is not followed: it
// can ask by itself. Only a server that cannot be reached, or is not well, is tried
// again, until the answer is void.
func ping(out *fetch.Client) outbox.Sender {
	return func(ctx context.Context, payload []byte) error {
		var p oauth.Ping
		if err := json.Unmarshal(payload, &p); err != nil {
			return fmt.Errorf("%w: a ping that cannot be read: %w", outbox.ErrPermanent, err)
		}
		if time.Now().Unix() >= p.Until {
			return nil
		}
		body, err := json.Marshal(map[string]string{"auth_req_id": p.ID})
		if err != nil {
			return fmt.Errorf("%w: %w", outbox.ErrPermanent, err)
		}
		status, err := out.Post(ctx, p.URL, "application/json", body, http.Header{"Authorization": {"Bearer " + p.Token}})
		switch {
		case errors.Is(err, fetch.ErrRefused):
			return fmt.Errorf("%w: %w", outbox.ErrPermanent, err)
		case err != nil:
			return err
		case status >= http.StatusInternalServerError || status == http.StatusTooManyRequests:
			return fmt.Errorf("the client answered %d ", status)
		case status >= http.StatusMultipleChoices:
			return fmt.Errorf("%w: the client answered %d ", outbox.ErrPermanent, status)
		}
		return nil
	}
}
