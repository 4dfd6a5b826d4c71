package store

import "headykey.com/headykey"

type (
	Mark          = headykey.Mark
	UserFilter    = headykey.UserFilter
	ReceiptFilter = headykey.ReceiptFilter
	Proof         = headykey.Proof
)
