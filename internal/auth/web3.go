package auth

import (
	"context"
	"errors"
	"slices"
	"time"

	"headykey.com/headykey"
	"headykey.com/headykey/internal/secret"
	"headykey.com/headykey/internal/store"
	"headykey.com/headykey/internal/web3"
)

// walletMemory is how long a message is remembered: one may be ten minutes ahead of
// our clock, and counts for ten minutes after that.
const walletMemory = 20 * time.Minute

// walletProvider is the provider of identities that are wallets.
const walletProvider = "web3"

// Chains are those whose wallets we know.
func Chains() []string { return []string{string(web3.Ethereum), string(web3.Solana)} }

// A WalletProof is a message that somebody signed with a wallet to sign in.
type WalletProof struct {
	Chain     string
	Message   string
	Signature string
	Accepts   func(address string) bool // whether an address is of one of our apps
	From      headykey.From
}

// SignInByWallet signs the holder of a wallet in, or makes them an account without an
// address. A message counts once.
//
// It fails with headykey.ErrUnknownChain, with ErrFeatureOff for a chain that is not
// offered, with ErrInvalid about "message" for one that cannot be read, with
// ErrBadWallet for everything else that is wrong with it, with ErrSignUpClosed for a
// new wallet, and with ErrAccountDisabled. The receipts are "account.created" and
// "session.started".
func (s *Service) SignInByWallet(ctx context.Context, in WalletProof) (*Grant, error) {
	switch {
	case len(s.config.Apps.Web3) == 0:
		return nil, headykey.ErrFeatureOff
	case !slices.Contains(Chains(), in.Chain):
		return nil, headykey.ErrUnknownChain.About("chain")
	case !slices.Contains(s.config.Apps.Web3, in.Chain):
		return nil, headykey.ErrFeatureOff
	}
	said, err := readWallet(in)
	if err != nil {
		return nil, err
	}
	subject := walletProvider + ":" + in.Chain + ":" + said.Address
	data, err := foreignData(map[string]any{
		"sub": subject, "email_verified": false, "phone_verified": false,
		"custom_claims": map[string]string{
			"address": said.Address, "chain": in.Chain, "network": said.Network, "domain": said.Domain, "statement": said.Text,
		},
	})
	if err != nil {
		return nil, err
	}
	f := &foreigner{provider: walletProvider, subject: subject, data: data, method: headykey.ByWeb3, from: in.From}
	name := secret.Hash("wallet message " + in.Message)
	return s.welcome(ctx, f, func(tx *store.Tx) error {
		fresh, err := tx.SpendName(name[:], tx.Now.Add(walletMemory))
		if err == nil && !fresh {
			return headykey.ErrBadWallet.Saying("This message was used before. Sign a new one.")
		}
		return err
	})
}

// readWallet returns what the holder of a wallet says to us, now.
func readWallet(in WalletProof) (*web3.Statement, error) {
	said, err := web3.Verify(web3.Chain(in.Chain), in.Message, in.Signature)
	switch {
	case errors.Is(err, web3.ErrMessage):
		return nil, headykey.ErrInvalid.Saying("This cannot be used: " + err.Error() + ".").About("message")
	case err != nil:
		return nil, headykey.ErrBadWallet.Saying("This proves nothing: " + err.Error() + ".")
	case !in.Accepts(said.URI.String()):
		return nil, headykey.ErrBadWallet.Saying("The message was signed for an app that is not of this server.")
	case said.URI.Scheme == "https" && !in.Accepts("https://"+said.Domain+"/"):
		return nil, headykey.ErrBadWallet.Saying("The message was signed at a site that is not of this server.")
	}
	if err := said.Current(time.Now()); err != nil {
		return nil, headykey.ErrBadWallet.Saying("This proves nothing: " + err.Error() + ".")
	}
	return said, nil
}
