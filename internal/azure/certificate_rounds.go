package azure

import "encoding/asn1"

// maxRounds is how often a password may be hashed to open a PFX, which is what keeps others from guessing it: OpenSSL and
// Windows write 2,000 rounds, the careful a million. A file may say two thousand million, which takes half an hour.
const maxRounds = 5_000_000

// rounds returns the most that a PFX asks for: in the parameters of every scheme (RFC 8018 appendix A, RFC 7292 appendices B
// and 4) the number stands in a sequence, behind the salt, which is an octet string. What is encrypted is not looked into.
func rounds(der []byte) int64 {
	most := int64(0)
	var look func(der []byte, depth int)
	look = func(der []byte, depth int) {
		salted := false
		for len(der) > 0 && depth < 32 {
			var v asn1.RawValue
			rest, err := asn1.Unmarshal(der, &v)
			if err != nil {
				return
			}
			octets := v.Class == asn1.ClassUniversal && v.Tag == asn1.TagOctetString
			var n int64
			if salted && v.Class == asn1.ClassUniversal && v.Tag == asn1.TagInteger {
				if _, err := asn1.Unmarshal(v.FullBytes, &n); err != nil {
					n = maxRounds + 1
				}
			}
			most = max(most, n)
			if v.IsCompound || octets {
				look(v.Bytes, depth+1)
			}
			der, salted = rest, octets
		}
	}
	look(der, 0)
	return most
}
