package headykey

import "time"

// A UserFilter narrows a list of users; zero fields do not.
type UserFilter struct {
	Query    string // folded prefix of address or name
	Role     Role
	Disabled *bool
	Before   Mark // only accounts older than this one
	Oldest   bool // the oldest first
	Offset   int
	Limit    int
}

// A Mark is a place in a list that is ordered by time, newest first.
type Mark struct {
	At time.Time // zero: the beginning
	ID ID
}

// A ReceiptFilter narrows a list of receipts; zero fields do not.
type ReceiptFilter struct {
	Subject ID
	Type    string
	Since   time.Time
	Before  ID       // only receipts older than this one
	Types   []string // one of these
	Actors  []string // by one of these: ids as receipts spell them
	Offset  int
	Limit   int
}

// Stats are counts for an operator's overview.
type Stats struct {
	Users, Disabled, Admins, Sessions, APIKeys, Receipts int64
	MailWaiting, MailDead                                int64
}

// A UserChange says what to change of an account; nil fields stay.
type UserChange struct {
	Name     *string
	Role     *Role
	Disabled *bool
	Until    time.Time // when Disabled ends by itself; zero: never
}
