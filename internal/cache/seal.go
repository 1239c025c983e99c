package cache

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/idferry/idferry/internal/token"
)

// identity is the SHA-256 of everything that selects a token. It names the token's files and is authenticated with the
// sealed content, so that a file that was renamed or copied over another does not open.
type identity [sha256.Size]byte

// wanted is everything that selects a token: purpose and inputs, each with its length before it, so that no two
// requests have the same. It is sealed with the token that answers it.
type wanted []byte

func wantedBy(req token.Request) wanted {
	w := make(wanted, 0, 1024)
	text := func(s string) {
		w = binary.BigEndian.AppendUint32(w, uint32(len(s)))
		w = append(w, s...)
	}
	text(req.Purpose)
	for _, in := range req.Inputs {
		text(in.Name)
		text(in.Value)
	}
	return w
}

func (w wanted) id() identity { return sha256.Sum256(w) }

// String returns the hexadecimal form.
func (id identity) String() string { return hex.EncodeToString(id[:]) }

const (
	entrySuffix   = ".tok"
	failureSuffix = ".err"
)

func (id identity) entryName() string   { return id.String() + entrySuffix }
func (id identity) failureName() string { return id.String() + failureSuffix }

// cacheKey is the AES-256 key that every entry of one holder is sealed with.
type cacheKey [32]byte

// id tells keys apart without showing them.
func (k cacheKey) id() (id [8]byte) {
	sum := sha256.Sum256(append([]byte("idferry key id\x00"), k[:]...))
	copy(id[:], sum[:])
	return id
}

// text is the form a holder keeps: 44 characters of base64, since the macOS keychain garbles anything else.
func (k cacheKey) text() string { return base64.StdEncoding.EncodeToString(k[:]) }

// parseKey reads text's form. Anything else counts as no key, and is replaced.
func parseKey(s string) (cacheKey, error) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(s))
	if err != nil || len(raw) != len(cacheKey{}) {
		return cacheKey{}, errNoKey
	}
	return cacheKey(raw), nil
}

// The file, all numbers big-endian:
//
//	magic "idferry" and the format version  8 bytes
//	holder's name                           1 byte of length, text
//	key id                                  8 bytes
//	minted, expires, refresh                8 bytes each: milliseconds since 1970, 0 for none
//	description                             2 bytes of length, text
//	nonce, ciphertext, tag                  AES-256-GCM; everything above and the identity are its additional data
//
// What is sealed is the request that the token answers, 4 bytes of length before it, and the token.
const magic = "idferry\x02"

// maxDescription keeps the header small.
const maxDescription = 512

type header struct {
	holder      string
	keyID       [8]byte
	minted      time.Time
	expires     time.Time
	refresh     time.Time
	description string
}

func (h header) encode() []byte {
	b := make([]byte, 0, 256)
	b = append(b, magic...)
	b = append(b, byte(len(h.holder)))
	b = append(b, h.holder...)
	b = append(b, h.keyID[:]...)
	for _, t := range []time.Time{h.minted, h.expires, h.refresh} {
		b = binary.BigEndian.AppendUint64(b, uint64(millis(t)))
	}
	description := h.description
	if len(description) > maxDescription {
		description = strings.ToValidUTF8(description[:maxDescription], "")
	}
	b = binary.BigEndian.AppendUint16(b, uint16(len(description)))
	return append(b, description...)
}

var errForeignFormat = errors.New("the entry is not of this format")

// parseHeader returns the header and how many bytes it takes.
func parseHeader(raw []byte) (h header, size int, err error) {
	rest, ok := strings.CutPrefix(string(raw), magic)
	take := func(n int) string {
		if len(rest) < n {
			ok = false
			return strings.Repeat("\x00", n)
		}
		s := rest[:n]
		rest = rest[n:]
		return s
	}
	instant := func() time.Time {
		v := int64(binary.BigEndian.Uint64([]byte(take(8))))
		if v == 0 {
			return time.Time{}
		}
		return time.UnixMilli(v).UTC()
	}
	h.holder = take(int(take(1)[0]))
	copy(h.keyID[:], take(8))
	h.minted, h.expires, h.refresh = instant(), instant(), instant()
	h.description = take(int(binary.BigEndian.Uint16([]byte(take(2)))))
	if !ok {
		return header{}, 0, errForeignFormat
	}
	return h, len(raw) - len(rest), nil
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func aead(k cacheKey) (cipher.AEAD, error) {
	block, err := aes.NewCipher(k[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func seal(k cacheKey, h header, w wanted, value token.Secret) ([]byte, error) {
	gcm, err := aead(k)
	if err != nil {
		return nil, err
	}
	h.keyID = k.id()
	head := h.encode()
	content := binary.BigEndian.AppendUint32(nil, uint32(len(w)))
	content = append(append(content, w...), value.Reveal()...)
	return gcm.Seal(head, nil, content, additional(head, w)), nil
}

func additional(head []byte, w wanted) []byte {
	id := w.id()
	return append(append([]byte{}, head...), id[:]...)
}

var (
	errDamaged = errors.New("the entry is damaged")
	errAnother = errors.New("the entry answers another request")
)

// unseal opens raw, whose header takes size bytes, for the request that it must answer.
func unseal(k cacheKey, raw []byte, size int, w wanted) (token.Secret, error) {
	gcm, err := aead(k)
	if err != nil {
		return token.Secret{}, err
	}
	content, err := gcm.Open(nil, nil, raw[size:], additional(raw[:size], w))
	if err != nil || len(content) < 4 {
		return token.Secret{}, errDamaged
	}
	n := uint64(binary.BigEndian.Uint32(content))
	content = content[4:]
	if n >= uint64(len(content)) {
		return token.Secret{}, errDamaged
	}
	// The name of the file says the same, by a hash; this is what keeps a fault in naming from showing another's token.
	if !bytes.Equal(content[:n], w) {
		return token.Secret{}, errAnother
	}
	return token.NewSecret(string(content[n:])), nil
}
