package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"unicode/utf16"

	"github.com/idferry/idferry/internal/fakecloud"
)

// sqlResource is what Azure SQL names as its service principal: scope and audience of the token keep the slash.
const sqlResource = "https://database.windows.net/"

// sqlAsks logs in to a server that takes a token of our application for Azure SQL and nothing else.
func sqlAsks(_ context.Context, _ *workshop, m *machine) ([]ask, func(), error) {
	cert, err := tls.LoadX509KeyPair(m.certFile, m.keyFile)
	if err != nil {
		return nil, nil, err
	}
	server, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"tds/8.0"}, MinVersion: tls.VersionTLS12})
	if err != nil {
		return nil, nil, err
	}
	go func() {
		for {
			conn, err := server.Accept()
			if err != nil {
				return
			}
			go func() {
				_ = m.sqlLogin(conn)
				_ = conn.Close()
			}()
		}
	}()
	address := server.Addr().String()
	wrong := map[string]string{"IDFERRY_ASSERTION_AUDIENCE": "api://Other"}
	const az, azd = "ActiveDirectoryAzCli", "ActiveDirectoryAzureDeveloperCli"
	return []ask{
		{verb: az, args: []string{address, az}, check: loggedIn},
		{verb: azd, args: []string{address, azd}, check: loggedIn},
		{verb: "ActiveDirectoryDefault with AzureCliCredential", args: []string{address, "ActiveDirectoryDefault"}, env: map[string]string{"AZURE_TOKEN_CREDENTIALS": "AzureCliCredential"}, check: loggedIn},
		{verb: az + ", untrusted audience", args: []string{address, az}, env: wrong, check: refused("AADSTS700212", "audience api://Other")},
		{verb: azd + ", untrusted audience", args: []string{address, azd}, env: wrong, check: refused("AADSTS700212", "audience api://Other")},
	}, func() { _ = server.Close() }, nil
}

func loggedIn(_ *machine, a answer) error {
	if !a.OK {
		return fmt.Errorf("no login: %s", a.Error)
	}
	return nil
}

// Packets and tokens of TDS that a login needs.
// https://learn.microsoft.com/openspecs/windows_protocols/ms-tds/
const (
	tdsReply    = 0x04
	tdsFedAuth  = 0x08
	tdsLogin7   = 0x10
	tdsPrelogin = 0x12

	tdsLoginAck    = 0xAD
	tdsFedAuthInfo = 0xEE
	tdsDone        = 0xFD
)

// sqlLogin answers one login up to its acknowledgement.
func (m *machine) sqlLogin(conn net.Conn) error {
	if _, err := readTDS(conn, tdsPrelogin); err != nil {
		return err
	}
	// Three options, each with its offset and length: the version, no encryption inside of TLS, and that Entra logins are taken.
	prelogin := []byte{0, 0, 16, 0, 6, 1, 0, 22, 0, 1, 6, 0, 23, 0, 1, 0xFF, 16, 0, 0, 0, 0, 0, 2, 1}
	if err := writeTDS(conn, prelogin); err != nil {
		return err
	}
	if _, err := readTDS(conn, tdsLogin7); err != nil {
		return err
	}
	sts, spn := ucs2("https://login.microsoftonline.com/"+fakecloud.SandboxTenant), ucs2(sqlResource)
	const head = 4 + 2*9
	info := binary.LittleEndian.AppendUint32(nil, 2)
	for _, option := range []struct {
		id     byte
		length int
		offset int
	}{{1, len(sts), head}, {2, len(spn), head + len(sts)}} {
		info = append(info, option.id)
		info = binary.LittleEndian.AppendUint32(info, uint32(option.length))
		info = binary.LittleEndian.AppendUint32(info, uint32(option.offset))
	}
	info = append(append(info, sts...), spn...)
	if err := writeTDS(conn, append(binary.LittleEndian.AppendUint32([]byte{tdsFedAuthInfo}, uint32(len(info))), info...)); err != nil {
		return err
	}
	body, err := readTDS(conn, tdsFedAuth)
	if err != nil || len(body) < 8 {
		return fmt.Errorf("no token: %w", err)
	}
	var text []uint16
	for raw := body[8:]; len(raw) > 1; raw = raw[2:] {
		text = append(text, binary.LittleEndian.Uint16(raw))
	}
	claims, err := m.verify(string(utf16.Decode(text)))
	if err != nil {
		return err
	}
	if claims["aud"] != sqlResource || claims["tid"] != fakecloud.SandboxTenant || claims["appid"] != fakecloud.SandboxApp {
		return fmt.Errorf("a token of %v for %v", claims["appid"], claims["aud"])
	}
	ack := []byte{1, 0x08, 0, 0, 0, 0, 16, 0, 0, 0}
	reply := append(binary.LittleEndian.AppendUint16([]byte{tdsLoginAck}, uint16(len(ack))), ack...)
	return writeTDS(conn, append(append(reply, tdsDone), make([]byte, 12)...))
}

// readTDS reads one message, which may come in several packets.
func readTDS(conn io.Reader, kind byte) ([]byte, error) {
	var message bytes.Buffer
	for {
		var header [8]byte
		if _, err := io.ReadFull(conn, header[:]); err != nil {
			return nil, err
		}
		if header[0] != kind {
			return nil, fmt.Errorf("packet %#x, not %#x", header[0], kind)
		}
		if _, err := io.CopyN(&message, conn, int64(binary.BigEndian.Uint16(header[2:]))-8); err != nil {
			return nil, err
		}
		if header[1]&1 != 0 {
			return message.Bytes(), nil
		}
	}
}

func writeTDS(conn io.Writer, message []byte) error {
	header := []byte{tdsReply, 1, 0, 0, 0, 0, 1, 0}
	binary.BigEndian.PutUint16(header[2:], uint16(len(message)+8))
	_, err := conn.Write(append(header, message...))
	return err
}

func ucs2(text string) []byte {
	var raw []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		raw = binary.LittleEndian.AppendUint16(raw, unit)
	}
	return raw
}
