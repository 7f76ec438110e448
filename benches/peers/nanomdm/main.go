// NanoMDM as its own cmd/nanomdm composes it, on PostgreSQL with a pool that keeps 64 connections. The released program
// keeps two idle connections, the default of database/sql, so it opens and closes connections all the time under load.
package main

import (
	"crypto/x509"
	"database/sql"
	"flag"
	"log"
	"net/http"
	"os"

	_ "github.com/lib/pq"
	nanohttp "github.com/micromdm/nanolib/http"
	"github.com/micromdm/nanolib/http/trace"
	"github.com/micromdm/nanolib/log/stdlogfmt"
	"github.com/micromdm/nanomdm/certverify"
	"github.com/micromdm/nanomdm/cryptoutil"
	"github.com/micromdm/nanomdm/http/api"
	"github.com/micromdm/nanomdm/http/mdm"
	"github.com/micromdm/nanomdm/push/nanopush"
	push "github.com/micromdm/nanomdm/push/service"
	"github.com/micromdm/nanomdm/service/certauth"
	"github.com/micromdm/nanomdm/service/nanomdm"
	"github.com/micromdm/nanomdm/storage/pgsql"
)

// connections is the number of messages that the load generator sends at once.
const connections = 64

func main() {
	listen := flag.String("listen", "127.0.0.1:9000", "address and port")
	roots := flag.String("ca", "", "PEM file with the CA of the devices' certificates")
	dsn := flag.String("dsn", "", "PostgreSQL data source name")
	key := flag.String("api", "", "API key")
	schema := flag.Bool("schema", false, "create the tables and exit")
	flag.Parse()

	db := must(sql.Open("postgres", *dsn))
	db.SetMaxIdleConns(connections)
	if *schema {
		must(db.Exec(pgsql.Schema))
		return
	}
	logger := stdlogfmt.New()
	store := must(pgsql.New(pgsql.WithDB(db), pgsql.WithLogger(logger)))
	verifier := must(certverify.NewPoolVerifier(must(os.ReadFile(*roots)), nil, x509.ExtKeyUsageClientAuth))
	core := nanomdm.New(store, nanomdm.WithLogger(logger))
	service := certauth.New(core, store, certauth.WithLogger(logger))

	var devices http.Handler = mdm.CheckinAndCommandHandler(service, logger)
	devices = mdm.CertVerifyMiddleware(devices, verifier, logger)
	devices = mdm.CertExtractMdmSignatureMiddleware(devices, mdm.MdmSignatureVerifierFunc(cryptoutil.VerifyMdmSignature))
	mux := http.NewServeMux()
	mux.Handle("/mdm", devices)
	staff := nanohttp.NewMWMux(mux)
	staff.Use(func(next http.Handler) http.Handler {
		return nanohttp.NewSimpleBasicAuthHandler(next, "nanomdm", *key, "nanomdm")
	})
	api.HandleAPIv1("/v1", staff, logger, store, push.New(store, store, nanopush.NewFactory(), logger))
	handler := trace.NewTraceLoggingHandler(mux, logger, func(*http.Request) string { return "bench" })
	log.Fatal(http.ListenAndServe(*listen, handler))
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}
