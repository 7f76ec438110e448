package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
)

// Result is what the messages of one step cost in one round.
type Result struct {
	Server    string
	Transport string
	Step      string
	Round     int
	Messages  int
	Seconds   float64
	// P50 and P99 are latencies in seconds.
	P50, P99 float64
	// ServerCPU and ProxyCPU are seconds for all messages.
	ServerCPU, ProxyCPU float64
	// Memory is the server's resident memory afterwards, in bytes.
	Memory int64
}

type sendOptions struct {
	server, transport, url, root, api, steps, population, processes, proxy, results string
	first, count, repeat, round                                                     int
}

func parseSendOptions(arguments []string) (sendOptions, error) {
	var o sendOptions
	flags := flag.NewFlagSet("send", flag.ExitOnError)
	flags.StringVar(&o.server, "server", "", "muster or nanomdm")
	flags.StringVar(&o.transport, "transport", "", "name of the transport in the results")
	flags.StringVar(&o.url, "url", "", "the server's or its proxy's URL")
	flags.StringVar(&o.root, "root", "", "PEM file with the root of the TLS certificate")
	flags.StringVar(&o.api, "api", "", "NanoMDM's own URL, without a proxy, for the step queue")
	flags.StringVar(&o.steps, "steps", "", "names of steps, with commas between them")
	flags.StringVar(&o.population, "population", "", "file of the devices")
	flags.IntVar(&o.first, "first", 0, "the first device that sends")
	flags.IntVar(&o.count, "count", 0, "the number of devices that send")
	flags.IntVar(&o.repeat, "repeat", 3, "how often each device sends in the step warm")
	flags.IntVar(&o.round, "round", 0, "number of the round; 0: not measured")
	flags.StringVar(&o.processes, "processes", "", "process ids of the server, with commas between them")
	flags.StringVar(&o.proxy, "proxy", "", "process id of the proxy, if the messages go through it")
	flags.StringVar(&o.results, "results", "", "file to append to")
	return o, flags.Parse(arguments)
}

// send performs steps and appends their results to a file.
func send(arguments []string) error {
	options, err := parseSendOptions(arguments)
	if err != nil {
		return err
	}
	sender, err := newSender(options)
	if err != nil {
		return err
	}
	meter, err := newMeter(options.processes, options.proxy)
	if err != nil {
		return err
	}
	if options.round > 0 {
		if err := sender.openPool(); err != nil {
			return err
		}
	}
	// What the server does after its start is no part of the first step.
	if _, err := meter.server.settled(); err != nil {
		return err
	}
	for _, name := range strings.Split(options.steps, ",") {
		if err := perform(name, options, sender, meter); err != nil {
			return fmt.Errorf("%s, %s, %s: %w", options.server, options.transport, name, err)
		}
	}
	return nil
}

func newSender(options sendOptions) (*sender, error) {
	population, err := loadPopulation(options.population)
	if err != nil {
		return nil, err
	}
	end := options.first + options.count
	if options.count < 1 || end > len(population.Devices) {
		return nil, fmt.Errorf("there are only %d devices", len(population.Devices))
	}
	target, err := newTarget(options.url, options.root)
	return &sender{
		target: target, server: options.server, api: options.api, population: population,
		devices: population.Devices[options.first:end], salt: fmt.Sprintf("-%s-%d", options.transport, options.round),
	}, err
}

func perform(name string, options sendOptions, sender *sender, meter *meter) error {
	if name == "queue" {
		return sender.queue()
	}
	step, err := sender.step(name)
	if err != nil {
		return err
	}
	repeat := 1
	if name == "warm" {
		repeat = options.repeat
	}
	result, err := meter.measure(sender.target, repeat, step)
	if err != nil || options.round == 0 {
		return err
	}
	result.Server, result.Transport, result.Step, result.Round = options.server, options.transport, name, options.round
	return appendResult(options.results, result)
}

func appendResult(path string, result *Result) error {
	line, err := json.Marshal(result)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := file.Write(append(line, '\n')); err != nil {
		return err
	}
	return file.Close()
}
