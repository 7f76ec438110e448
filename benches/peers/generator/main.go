// Command generator sends the messages of devices to Muster and to NanoMDM, and reports what they cost. Both servers
// get the same devices, certificates and bodies. benches/peers/run starts the servers and this program.
package main

import (
	"fmt"
	"log"
	"os"
)

const usage = `usage: generator COMMAND [OPTIONS]
  enroll   get certificates for devices from Muster: portal, profile and SCEP
  send     send the messages of some steps and append what they cost to the results
  push     answer Muster's push notifications as Apple's push service does
  report   print the results as Markdown tables
COMMAND -help lists the options`

func main() {
	log.SetFlags(0)
	log.SetPrefix("generator: ")
	commands := map[string]func([]string) error{"enroll": enroll, "send": send, "push": servePush, "report": report}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, usage)
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		log.Fatalf("%s: %v", os.Args[1], err)
	}
}
