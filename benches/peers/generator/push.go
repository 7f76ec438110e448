package main

import (
	"flag"
	"net/http"
)

// servePush answers each push notification as Apple's push service does, over HTTP/2. The notifications wake no device:
// the generator sends the devices' messages when they are due.
func servePush(arguments []string) error {
	flags := flag.NewFlagSet("push", flag.ExitOnError)
	listen := flags.String("listen", "", "address and port")
	certificate := flags.String("certificate", "", "PEM file with the TLS certificate")
	key := flags.String("key", "", "PEM file with its key")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	accept := func(response http.ResponseWriter, _ *http.Request) { response.Header().Set("apns-id", newID()) }
	server := &http.Server{Addr: *listen, Handler: http.HandlerFunc(accept)}
	return server.ListenAndServeTLS(*certificate, *key)
}
