// Mssql logs in to a SQL server with the driver's own Entra workflow and prints how that went as one JSON line.
//
//	mssql HOST:PORT FEDAUTH
package main

import (
	"context"
	"database/sql"
	"net/url"
	"os"

	"github.com/microsoft/go-mssqldb/azuread"

	"github.com/idferry/idferry/conformance/azure/go/answer"
)

func main() {
	answer.Print("go-mssqldb", "github.com/microsoft/go-mssqldb", os.Args[2], func(*answer.Answer) error {
		// strict is TDS 8.0: TLS from the first byte on.
		query := url.Values{"fedauth": {os.Args[2]}, "encrypt": {"strict"}, "database": {"sales"}}
		db, err := sql.Open(azuread.DriverName, "sqlserver://"+os.Args[1]+"?"+query.Encode())
		if err != nil {
			return err
		}
		conn, err := db.Conn(context.Background())
		if err != nil {
			return err
		}
		return conn.Close()
	})
}
