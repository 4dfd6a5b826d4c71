package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

func TestReceiptsVerifyCommand(t *testing.T) {
	serving(t, config{}, func(t *testing.T, s *server) {
		st := s.receiptOf(t, s.as(s.register(t, "jane")), "account.created")
		dir := t.TempDir()
		save := func(name string, v any) string {
			text, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, text, 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}
		published := s.nobody().get(t, "/.well-known/receipt-keys").want(t, http.StatusOK)
		keys := save("keys.json", json.RawMessage(published.body))
		good := save("good.json", json.RawMessage(st.raw))

		run(t, "", "receipts", "verify", "--keys", keys, good).Must(t, 0)
		run(t, "", append([]string{"receipts", "verify", good}, s.Flags()...)...).Must(t, 0)
		for name, fake := range forgeries(t, st) {
			bad := save("bad.json", fake.envelope)
			t.Run(name, func(t *testing.T) { run(t, "", "receipts", "verify", "--keys", keys, bad).Must(t, 3) })
		}
		others := published.object(t)
		for _, k := range others["keys"].([]any) {
			k.(obj)["keyId"] = "headykey-receipt-00000000"
		}
		stranger := save("stranger.json", others)
		run(t, "", "receipts", "verify", "--keys", stranger, good).Must(t, 3)
		run(t, "", "receipts", "verify", "--keys", keys, filepath.Join(dir, "none.json")).Refusal(t, "none.json")
		run(t, "", "receipts", "verify").Must(t, 2)
	})
}
