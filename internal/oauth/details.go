package oauth

import (
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"headykey.com/headykey"
)

const (
	maxDetails    = 34   // authorization details of one request
	maxDetailText = 8192 // bytes of them all
)

// readDetails reads authorization_details (RFC 9396 §2): objects, each of a type
// that c is registered for. They are kept in canonical form (RFC 8785), so that the
// same wish is the same text.
func (s *Service) readDetails(c *headykey.Client, text string) (jsontext.Value, error) {
	if text == "" {
		return nil, nil
	}
	var all []jsontext.Value
	if len(text) > maxDetailText || json.Unmarshal([]byte(text), &all) != nil || len(all) == 0 || len(all) > maxDetails {
		return nil, headykey.ErrBadDetails
	}
	for i := range all {
		var one struct {
			Type string `json:"type"`
		}
		if err := json.Unmarshal(all[i], &one); err != nil || !slices.Contains(c.Details.DetailTypes, one.Type) {
			return nil, headykey.ErrBadDetails
		}
		if err := all[i].Canonicalize(); err != nil {
			return nil, headykey.ErrBadDetails
		}
	}
	return spellDetails(all), nil
}

// detailsOf returns the objects of details that were read before.
func detailsOf(text jsontext.Value) []jsontext.Value {
	var all []jsontext.Value
	if len(text) == 0 || json.Unmarshal(text, &all) != nil {
		return nil
	}
	return all
}

// spellDetails is the reverse of detailsOf.
func spellDetails(all []jsontext.Value) jsontext.Value {
	if len(all) == 0 {
		return nil
	}
	text, err := json.Marshal(all)
	if err != nil {
		return nil // values that were read can be written
	}
	return text
}

// coversDetails reports whether each of asked is among given.
func coversDetails(given, asked jsontext.Value) bool {
	known := detailsOf(given)
	return !slices.ContainsFunc(detailsOf(asked), func(one jsontext.Value) bool {
		return !slices.ContainsFunc(known, func(k jsontext.Value) bool { return string(k) == string(one) })
	})
}

// checkDetailTypes returns nil if every type that c may ask for exists here.
func (s *Service) checkDetailTypes(c *headykey.Client) error {
	for _, kind := range c.Details.DetailTypes {
		if !slices.Contains(s.DetailTypes, kind) {
			return invalid("authorization_details_types", "This type of authorization details does not exist here.")
		}
	}
	return nil
}
