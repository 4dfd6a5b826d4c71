package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/jose"
	"headykey.com/headykey/internal/keyring"
	"headykey.com/headykey/internal/secret"
)

// The roles of project keys, and of the tokens that may do what one of them may.
const (
	Anon          = "anon"           // says which app calls, and grants nothing
	ServiceRole   = "service_role"   // of servers: may do all that an administrator may
	SupabaseAdmin = "supabase_admin" // the same
)

const (
	projectIssuer = "headykey"                // the address of a server may change, its keys stay
	projectLife   = 10 * 365 * 24 * time.Hour // as apps expect of keys that are built into them
	publishable   = "sb_publishable_"
	secretive     = "sb_secret_"
)

// ProjectKeys are what an app of this server is made with. They are made of one
// sealed secret, so that they can be shown again; who has the second or the last is
// an administrator.
type ProjectKeys struct {
	Anon        string // JWT
	ServiceRole string // JWT
	Publishable string // sb_publishable_…, for Anon
	Secret      string // sb_secret_…, for ServiceRole
}

type projectClaims struct {
	Issuer  string `json:"iss"`
	Subject string `json:"sub,omitempty"`
	Role    string `json:"role"`
	Issued  int64  `json:"iat"`
	Expires int64  `json:"exp"`
}

// ProjectKeys returns the present project keys, the same each time.
func (s *Service) ProjectKeys() (ProjectKeys, error) {
	k, ok := s.ring.Signing(keyring.Project)
	if !ok {
		return ProjectKeys{}, errors.New("project keys: there is no key to make them of")
	}
	if made := s.project.Load(); made != nil && made.of == k.ID {
		return made.ProjectKeys, nil
	}
	keys, err := s.makeProjectKeys(k)
	if err == nil {
		s.project.Store(&madeKeys{keys, k.ID})
	}
	return keys, err
}

// madeKeys are project keys and the id of what they were made of.
type madeKeys struct {
	ProjectKeys
	of string
}

func (s *Service) makeProjectKeys(k keyring.Key) (ProjectKeys, error) {
	signs, legacy := s.shared()
	if !legacy {
		signs = k.JOSE()
	}
	out := ProjectKeys{Publishable: opaque(k, publishable), Secret: opaque(k, secretive)}
	for role, to := range map[string]*string{Anon: &out.Anon, ServiceRole: &out.ServiceRole} {
		claims, err := json.Marshal(projectClaims{
			Issuer: projectIssuer, Role: role, Issued: k.Created.Unix(), Expires: k.Created.Add(projectLife).Unix(),
		})
		if err != nil {
			return ProjectKeys{}, fmt.Errorf("project key: %w", err)
		}
		if *to, err = s.signWith(signs, claims); err != nil {
			return ProjectKeys{}, err
		}
	}
	return out, nil
}

// roleOf returns the role of one of keys; "" for any other text.
func (keys ProjectKeys) roleOf(text string) string {
	is := func(key string) bool { return secret.Equal([]byte(key), []byte(text)) }
	switch {
	case is(keys.Anon), is(keys.Publishable):
		return Anon
	case is(keys.ServiceRole), is(keys.Secret):
		return ServiceRole
	}
	return ""
}

// opaque returns the key of k that begins with prefix: 24 bytes in base64url.
func opaque(k keyring.Key, prefix string) string {
	m := hmac.New(sha256.New, k.Secret)
	m.Write([]byte(prefix))
	return prefix + base64.RawURLEncoding.EncodeToString(m.Sum(nil)[:24])
}

// ReadProjectKey returns the role of a project key in either form, or
// headykey.ErrInvalidToken.
func (s *Service) ReadProjectKey(text string) (role string, err error) {
	if present, err := s.ProjectKeys(); err == nil {
		if role := present.roleOf(text); role != "" {
			return role, nil
		}
	}
	for prefix, role := range map[string]string{publishable: Anon, secretive: ServiceRole} {
		if !strings.HasPrefix(text, prefix) {
			continue
		}
		if err := s.checkOpaque(text, prefix); err != nil {
			return "", err
		}
		return role, nil
	}
	return s.readProjectJWT(text)
}

// A seenKey is a project key that was verified. It counts while its key does.
type seenKey struct {
	kid     string
	role    string
	expires int64 // seconds since 1970
}

// readProjectJWT is ReadProjectKey for keys that were made before, or elsewhere with
// the secret that apps know. Apps show one with each call: it is remembered.
func (s *Service) readProjectJWT(text string) (role string, err error) {
	name := secret.Hash(text)
	if seen, ok := s.seen.GetIfPresent(name); ok && time.Now().Unix() < seen.expires {
		if _, ok := s.projectKey(seen.kid); ok {
			return seen.role, nil
		}
	}
	var kid string
	claims, err := jose.Verify(text, sessionType, func(id string) (jose.Key, bool) {
		kid = id
		return s.projectKey(id)
	})
	if err != nil {
		return "", headykey.ErrInvalidToken
	}
	var c projectClaims
	if err := json.Unmarshal(claims, &c); err != nil {
		return "", headykey.ErrInvalidToken
	}
	known := c.Role == Anon || c.Role == ServiceRole || c.Role == SupabaseAdmin
	if !known || c.Subject != "" || time.Now().Unix() >= c.Expires {
		return "", headykey.ErrInvalidToken
	}
	s.seen.Set(name, seenKey{kid, c.Role, c.Expires})
	return c.Role, nil
}

// projectKey returns what project keys of kid are verified with.
func (s *Service) projectKey(kid string) (jose.Key, bool) {
	if kid == "" {
		return s.shared()
	}
	k, ok := s.ring.Verifying(keyring.Project, kid)
	return k.JOSE(), ok
}

func (s *Service) checkOpaque(text, prefix string) error {
	for _, k := range s.ring.All(keyring.Project) {
		if _, ok := s.ring.Verifying(keyring.Project, k.ID); ok && secret.Equal([]byte(text), []byte(opaque(k, prefix))) {
			return nil
		}
	}
	return headykey.ErrInvalidToken
}
