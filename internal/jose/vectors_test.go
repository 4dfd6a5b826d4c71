package jose_test

import (
	"crypto"
	"errors"
	"testing"

	gojose "github.com/go-jose/go-jose/v4"

	"headykey.com/headykey/internal/jose"
)

// Public keys of the standards.
const (
	rfc7638 = `{"kty":"RSA","e":"AQAB","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"}`

	rfc8037 = `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`

	rfc7515A2 = `{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}`

	rfc7515A3 = `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
)

// public reads one key, by the library.
func public(t testing.TB, text string) crypto.PublicKey {
	t.Helper()
	var k gojose.JSONWebKey
	check(t, k.UnmarshalJSON([]byte(text)))
	return k.Key
}

func set(t testing.TB, keys string) *jose.Set {
	t.Helper()
	s, err := jose.ParseSet([]byte(`{"keys":[` + keys + `]}`))
	check(t, err)
	return s
}

// The tokens of RFC 7515 appendices A.2 and A.3, and one of RFC 8037 appendix A.4
// that is rightly signed and holds no claims.
func TestTokensOfTheStandards(t *testing.T) {
	const claims = "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}"
	all := set(t, rfc8037+","+rfc7638+","+rfc7515A3+","+rfc7515A2)
	for algorithm, token := range map[string]string{
		"RS256": "eyJhbGciOiJSUzI1NiJ9." + b64(claims) + ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
		"ES256": "eyJhbGciOiJFUzI1NiJ9." + b64(claims) + ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
	} {
		f, err := all.Verify(token, 2<<10, jose.ForeignAlgorithms)
		if err != nil || string(f.Claims) != claims || f.Header != (jose.ForeignHeader{Algorithm: algorithm}) {
			t.Errorf("%s: got %+v, %v", algorithm, f, err)
		}
	}
	const noClaims = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc." +
		"hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
	if f, err := all.Verify(noClaims, 2<<10, jose.ForeignAlgorithms); f != nil || !errors.Is(err, jose.ErrToken) {
		t.Errorf("got %+v, %v", f, err)
	}
}
