package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/hook"
	"headykey.com/headykey/internal/outbox"
	"headykey.com/headykey/internal/store"
)

// LetterKind is the kind of parcel that a letter travels in which the operator's hook
// sends. Where there is no such hook, its parcels wait.
const LetterKind = "letter"

// A parcel is what the hook gets.
type parcel struct {
	User    jsontext.Value `json:"user"`
	Letter  hook.EmailData `json:"email_data"`
	From    headykey.From  `json:"from"`
	Request string         `json:"request"` // id of the request
}

// byHook reports whether l is the operator's hook's to send: an app asked for it.
func (s *Service) byHook(l letter) bool {
	return (l.app != nil || l.purpose == purposeStepUp) && s.Hooks.Wants(hook.SendEmail)
}

// handOver writes letters for a and hands them to the hook in one parcel: one letter,
// or those to both addresses of a change, the present one first.
func (s *Service) handOver(ctx context.Context, tx *store.Tx, a *headykey.Account, letters ...letter) error {
	first := letters[0]
	data := hook.EmailData{EmailActionType: kindOf(first.purpose).name, SiteURL: s.config.AppsURL}
	if first.app != nil {
		data.RedirectTo = first.app.Target
	}
	for _, l := range letters {
		w, err := s.write(tx, a, l)
		if err != nil {
			return err
		}
		hash := w.Token
		if w.Link == "" {
			hash = "" // the code alone proves something
		}
		switch {
		case l.purpose == purposeLeave: // crossed, as hooks expect it: see hook.EmailData
			data.Token, data.TokenHashNew = w.Code, hash
		case len(letters) > 1:
			data.TokenNew, data.TokenHash = w.Code, hash
		default:
			data.Token, data.TokenHash = w.Code, hash
		}
	}
	if first.purpose == purposeLeave || first.purpose == purposeMove {
		data.OldEmail = a.Email
	}
	user, err := s.Spell(a)
	if err != nil {
		return fmt.Errorf("letter for a hook: %w", err)
	}
	return s.Outbox.Post(tx, LetterKind, parcel{user, data, first.from, headykey.RequestID(ctx)})
}

// SendLetter has the hook send a letter. It is the sender of LetterKind: what the hook
// refuses is not tried again, what fails is.
func (s *Service) SendLetter(ctx context.Context, payload []byte) error {
	var p parcel
	if err := json.Unmarshal(payload, &p); err != nil {
		return fmt.Errorf("%w: a letter that cannot be read: %w", outbox.ErrPermanent, err)
	}
	taken, err := s.Hooks.SendEmail(headykey.WithRequestID(ctx, p.Request), p.From, p.User, p.Letter)
	if _, no := errors.AsType[*hook.Refusal](err); no {
		return fmt.Errorf("%w: %w", outbox.ErrPermanent, err)
	}
	if err == nil && !taken {
		return errors.New("there is no hook that sends letters")
	}
	return err
}
