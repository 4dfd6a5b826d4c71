package heady

import (
	"net/http"

	"headykey.com/headykey/internal/web"
)

// Mount hangs the HeadyKey API on rt.
func Mount(rt *web.Router, p Parts) {
	d := newDoor(p)
	for _, prefix := range []string{"/api", "/health", "/.well-known", "/openapi.json"} {
		rt.Fail(prefix, d.fail)
	}
	d.mountCredentials(rt)
	d.mountAccount(rt)
	d.mountAdmin(rt)
}

// mountCredentials hangs the routes on which secrets can be guessed: each address
// has one budget for all of them.
func (d door) mountCredentials(rt *web.Router) {
	guarded := func(path string, h http.Handler) {
		rt.Handle("POST", path, d.Limiter.Guard(d.open, d.Proxies, h))
	}
	guarded("/api/auth/register", web.JSON(d.open, http.StatusCreated, d.register))
	guarded("/api/auth/login", web.JSON(d.open, http.StatusOK, d.login))
	guarded("/api/auth/email/verify", web.JSON(d.open, http.StatusOK, d.confirmEmail))
	guarded("/api/session/start", web.JSON(d.open, http.StatusOK, d.startSession))
	// Refresh tokens are no guesses: 272 random bits.
	rt.Handle("POST", "/api/auth/refresh", web.Optional(d.open, http.StatusOK, d.refresh))
	rt.Handle("POST", "/api/auth/logout", web.Optional(d.open, http.StatusOK, d.logout))
}

func (d door) mountAccount(rt *web.Router) {
	rt.Handle("GET", "/api/auth/policy", web.JSON(d.open, http.StatusOK, d.policy))
	rt.Handle("GET", "/api/auth/verify", web.Handle(d.known, d.verify))
	rt.Handle("GET", "/api/auth/me", web.JSON(d.known, http.StatusOK, d.me))
	rt.Handle("PATCH", "/api/auth/me", web.JSON(d.known, http.StatusOK, d.rename))
	rt.Handle("DELETE", "/api/auth/me", d.Limiter.Guard(d.known, d.Proxies, web.Optional(d.known, http.StatusOK, d.eraseMe)))
	rt.Handle("POST", "/api/auth/api-keys", web.Optional(d.known, http.StatusCreated, d.createKey))
	rt.Handle("GET", "/api/auth/api-keys", web.JSON(d.known, http.StatusOK, d.keys))
	rt.Handle("GET", "/api/auth/api-keys/{id}/audit", web.JSON(d.known, http.StatusOK, d.keyHistory))
	rt.Handle("DELETE", "/api/auth/api-keys/{id}", web.JSON(d.known, http.StatusOK, d.revokeKey))
	rt.Handle("POST", "/api/auth/api-keys/{id}/rotate", web.JSON(d.known, http.StatusCreated, d.rotateKey))
	rt.Handle("GET", "/api/auth/sessions", web.JSON(d.known, http.StatusOK, d.sessions))
	rt.Handle("DELETE", "/api/auth/sessions/{id}", web.JSON(d.known, http.StatusOK, d.endSession))
	rt.Handle("GET", "/api/auth/consents", web.JSON(d.known, http.StatusOK, d.consents))
	rt.Handle("DELETE", "/api/auth/consents/{clientId}", web.JSON(d.known, http.StatusOK, d.withdrawConsent))
	rt.Handle("GET", "/api/receipts", web.JSON(d.known, http.StatusOK, d.receipts))
	rt.Handle("GET", "/api/receipts/{id}", web.JSON(d.known, http.StatusOK, d.receipt))
	rt.Handle("POST", "/api/receipts/verify", web.JSON(d.open, http.StatusOK, d.verifyReceipt))
	rt.Add(web.Route{
		Method: "GET", Pattern: "/.well-known/receipt-keys", Origins: web.Policy{Public: true},
		Handler: web.JSON(d.open, http.StatusOK, d.receiptKeys),
	})
}

func (d door) mountAdmin(rt *web.Router) {
	rt.Handle("GET", "/api/admin/users", web.JSON(d.office, http.StatusOK, d.users))
	rt.Handle("POST", "/api/admin/users", web.JSON(d.office, http.StatusCreated, d.createUser))
	rt.Handle("GET", "/api/admin/users/{id}", web.JSON(d.office, http.StatusOK, d.user))
	rt.Handle("PATCH", "/api/admin/users/{id}", web.JSON(d.office, http.StatusOK, d.changeUser))
	rt.Handle("DELETE", "/api/admin/users/{id}", web.JSON(d.office, http.StatusOK, d.eraseUser))
	rt.Handle("GET", "/api/admin/users/{id}/consents", web.JSON(d.office, http.StatusOK, d.userConsents))
	rt.Handle("DELETE", "/api/admin/users/{id}/consents/{clientId}", web.JSON(d.office, http.StatusOK, d.adminOnly(d.withdrawUserConsent)))
	rt.Handle("GET", "/api/admin/api-keys", web.JSON(d.office, http.StatusOK, d.allKeys))
	rt.Handle("DELETE", "/api/admin/api-keys/{id}", web.JSON(d.office, http.StatusOK, d.adminOnly(d.revokeKey)))
	rt.Handle("GET", "/api/admin/sessions", web.JSON(d.office, http.StatusOK, d.allSessions))
	rt.Handle("DELETE", "/api/admin/sessions/{id}", web.JSON(d.office, http.StatusOK, d.adminOnly(d.endSession)))
	rt.Handle("GET", "/api/admin/receipts", web.JSON(d.office, http.StatusOK, d.allReceipts))
	rt.Handle("GET", "/api/admin/stats", web.JSON(d.office, http.StatusOK, d.stats))
	rt.Handle("GET", "/api/admin/clients", web.JSON(d.office, http.StatusOK, d.clients))
	rt.Handle("POST", "/api/admin/clients", web.JSON(d.office, http.StatusCreated, d.createClient))
	rt.Handle("GET", "/api/admin/clients/{id}", web.JSON(d.office, http.StatusOK, d.client))
	rt.Handle("PATCH", "/api/admin/clients/{id}", web.JSON(d.office, http.StatusOK, d.changeClient))
	rt.Handle("DELETE", "/api/admin/clients/{id}", web.JSON(d.office, http.StatusOK, d.deleteClient))
	rt.Handle("POST", "/api/admin/clients/{id}/rotate-secret", web.JSON(d.office, http.StatusOK, d.rotateClientSecret))
	rt.Handle("POST", "/api/admin/registration-tokens", web.Optional(d.office, http.StatusCreated, d.createRegistrationToken))
	rt.Handle("GET", "/api/admin/keys", web.JSON(d.office, http.StatusOK, d.signingKeys))
	rt.Handle("POST", "/api/admin/keys/rotate", web.JSON(d.office, http.StatusOK, d.rotateSigningKey))
}
