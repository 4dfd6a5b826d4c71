package auth

import (
	"context"

	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

// SignUpAnonymously makes an account without an address and signs it in. It fails
// with headykey.ErrFeatureOff, ErrSignUpClosed, and ErrInvalid about "data".
func (s *Service) SignUpAnonymously(ctx context.Context, data jsontext.Value, from headykey.From) (*Grant, error) {
	switch {
	case s.config.Closed:
		return nil, headykey.ErrSignUpClosed
	case !s.config.Apps.Anonymous:
		return nil, headykey.ErrFeatureOff
	}
	d := &draft{account: &headykey.Account{
		User:    headykey.User{ID: headykey.NewID(), Role: headykey.RoleUser, Anonymous: true},
		Profile: headykey.NewProfile(),
	}}
	if err := introduce(d.account, data); err != nil {
		return nil, err
	}
	return s.enroll(ctx, d, headykey.Anonymously, from)
}

// enroll stores a new account of an app whose owner has just proven themselves by
// method, and signs it in, unless the operator's hook is against it.
func (s *Service) enroll(ctx context.Context, d *draft, method string, from headykey.From) (*Grant, error) {
	if err := s.mayBegin(ctx, d, from); err != nil {
		return nil, err
	}
	o := prepare(from, AppSurface, method)
	err := s.DB.Update(ctx, func(tx *store.Tx) error {
		if err := s.insertAccount(ctx, tx, d, self(&d.account.User, from)); err != nil {
			return err
		}
		return s.begin(ctx, tx, o, &d.account.User)
	})
	if err != nil {
		return nil, err
	}
	return s.grant(ctx, o, &d.account.User)
}
