package store_test

import (
	"errors"
	"reflect"
	"testing"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/store"
)

func TestCustomProvidersAreKept(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *store.DB) {
		want := &headykey.CustomProvider{
			ID: headykey.NewID(), Kind: headykey.OpenIDProvider, Name: "custom:acme", Title: "Acme ☃", ClientID: "a", ClientIDs: []string{"b"},
			Scopes: []string{"openid"}, PKCE: true, Mapping: map[string]any{"email": "mail"}, Claims: []string{"x"},
			Parameters: map[string]any{"prompt": "login"}, Enabled: true, Issuer: "https://id.example", Secret: []byte{0, 1},
			Created: micro(), Updated: micro(),
		}
		update(t, db, func(tx *store.Tx) error { return tx.PutCustomProvider(want) })
		want.Title, want.Secret = "Other", nil
		update(t, db, func(tx *store.Tx) error { return tx.PutCustomProvider(want) })
		view(t, db, func(tx *store.Tx) error {
			got, err := tx.CustomProvider(want.Name)
			if err != nil {
				return err
			}
			all, err := store.Collect(tx.CustomProviders())
			if !reflect.DeepEqual(got, want) || len(all) != 1 || !reflect.DeepEqual(all[0], want) {
				t.Errorf("got %+v and %+v, want %+v", got, all, want)
			}
			return err
		})
		update(t, db, func(tx *store.Tx) error { return tx.DeleteCustomProvider(want.Name) })
		update(t, db, func(tx *store.Tx) error {
			if err := tx.DeleteCustomProvider(want.Name); !errors.Is(err, headykey.ErrNotFound) {
				t.Errorf("deleted twice: got %v", err)
			}
			if _, err := tx.CustomProvider(want.Name); !errors.Is(err, headykey.ErrNotFound) {
				t.Errorf("deleted: got %v", err)
			}
			return nil
		})
	})
}
