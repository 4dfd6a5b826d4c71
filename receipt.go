package headykey

import "time"

// A Party is one actor or object of a receipt: a typed id.
type Party struct {
	Type string `json:"type"` // user, agent, client, operator, system, api_key, session …
	ID   string `json:"id"`
}

// The outcomes of a receipt.
const (
	Done    = "done"
	Refused = "refused"
)

// An Act is what a rule tells the receipt ledger: something happened to
// somebody's access. The ledger adds id, time and signature.
type Act struct {
	Type    string         // noun.verb_in_past, such as "api_key.created"
	By      Caller         // who did it
	Subject ID             // whose access it concerns; zero: nobody's
	Object  Party          // what was touched
	Outcome string         // "" means Done
	Reason  string         // a code, for refusals
	Details map[string]any // JSON values; no secret, no e-mail, no plain address

	// Personal values (an address, an e-mail) appear as HMAC-SHA-256 under the
	// subject's salt, which erasing the account erases.
	Personal map[string]string
}

// A Receipt is a signed statement that an act happened (contract: trust
// receipts). Body is the RFC 8785 text that the signature covers.
type Receipt struct {
	ID       ID
	At       time.Time
	Type     string
	Subject  ID
	Object   string // type and id of the object, as "api_key:<id>"
	Body     []byte
	Sig      []byte // Ed25519, 64 bytes
	KeyID    string
	SignedAt time.Time
}
