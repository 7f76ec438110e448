package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
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

// sender sends the messages of steps to one server.
type sender struct {
	target     *target
	server     string
	api        string
	population *Population
	// devices that send now.
	devices []Device
	repeat  int
	salt    string
	// commands that the devices have received and not answered, by device.
	commands []Command
}

// send performs steps and appends their results to a file.
func send(arguments []string) error {
	flags := flag.NewFlagSet("send", flag.ExitOnError)
	server := flags.String("server", "", "muster or nanomdm")
	transport := flags.String("transport", "", "name of the transport in the results")
	address := flags.String("url", "", "the server's or its proxy's URL")
	roots := flags.String("root", "", "PEM file with the root of the TLS certificate")
	api := flags.String("api", "", "NanoMDM's own URL, without a proxy, for the step queue")
	steps := flags.String("steps", "", "names of steps, with commas between them")
	file := flags.String("population", "", "file of the devices")
	first := flags.Int("first", 0, "the first device that sends")
	count := flags.Int("count", 0, "the number of devices that send")
	repeat := flags.Int("repeat", 3, "how often each device sends in the step warm")
	round := flags.Int("round", 0, "number of the round; 0: not measured")
	servers := flags.String("processes", "", "process ids of the server")
	proxy := flags.String("proxy", "", "process id of the proxy, if the messages go through it")
	results := flags.String("results", "", "file to append to")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	population, err := loadPopulation(*file)
	if err != nil {
		return err
	}
	if *count < 1 || *first+*count > len(population.Devices) {
		return fmt.Errorf("there are only %d devices", len(population.Devices))
	}
	target, err := newTarget(*address, *roots)
	if err != nil {
		return err
	}
	s := &sender{target: target, server: *server, api: *api, population: population,
		devices: population.Devices[*first : *first+*count], repeat: *repeat, salt: fmt.Sprintf("-%s-%d", *transport, *round)}
	meter, err := newMeter(*servers, *proxy)
	if err != nil {
		return err
	}
	if *round > 0 {
		if err := s.openPool(); err != nil {
			return err
		}
	}
	// What the server does after its start is no part of the first step.
	if _, err := meter.server.settled(); err != nil {
		return err
	}
	for _, step := range strings.Split(*steps, ",") {
		result, err := s.measure(step, meter)
		if err != nil {
			return fmt.Errorf("%s, %s, %s: %w", *server, *transport, step, err)
		}
		if *round == 0 || result == nil {
			continue
		}
		result.Server, result.Transport, result.Round = *server, *transport, *round
		if err := appendResult(*results, result); err != nil {
			return err
		}
	}
	return nil
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

// meter reads what server and proxy use.
type meter struct{ server, proxy processes }

func newMeter(servers, proxy string) (*meter, error) {
	server, err := parseProcesses(servers)
	if err != nil {
		return nil, err
	}
	if proxy == "" {
		return &meter{server: server}, nil
	}
	before, err := parseProcesses(proxy)
	return &meter{server, before}, err
}

// sendMeasured is the part of a step that is measured: sending signed messages.
type sendMeasured = func([]message) (*pass, error)

// measure performs a step and returns what it cost; nothing for a step that only prepares others.
func (s *sender) measure(step string, meter *meter) (*Result, error) {
	if step == "queue" {
		return nil, s.queue()
	}
	perform, ok := map[string]func(sendMeasured) (*pass, error){
		"cold": s.idleWithoutWork, "warm": s.idleWithoutWork, "token": s.tokenUpdate, "enrolled": s.tokenUpdate,
		"authenticate": s.authenticate, "fetch": s.fetch, "acknowledge": s.acknowledge,
	}[step]
	if !ok {
		return nil, fmt.Errorf("the step %q is unknown", step)
	}
	repeat := 1
	if step == "warm" {
		repeat = s.repeat
	}
	var server, proxy time.Duration
	// Signing and connecting come before.
	measured := func(messages []message) (*pass, error) {
		connections, err := s.target.connect(min(atOnce, len(messages)))
		if err != nil {
			return nil, err
		}
		serverBefore, err := meter.server.cpu()
		if err != nil {
			return nil, err
		}
		proxyBefore, err := meter.proxy.cpu()
		if err != nil {
			return nil, err
		}
		pass, err := sendAll(connections, messages, repeat)
		if err != nil {
			return nil, err
		}
		serverAfter, err := meter.server.settled()
		if err != nil {
			return nil, err
		}
		proxyAfter, err := meter.proxy.cpu()
		server, proxy = server+serverAfter-serverBefore, proxy+proxyAfter-proxyBefore
		return pass, err
	}
	pass, err := perform(measured)
	if err != nil {
		return nil, err
	}
	memory, err := meter.server.memory()
	return &Result{
		Step: step, Messages: len(pass.latencies), Seconds: pass.took.Seconds(),
		P50: pass.quantile(0.5).Seconds(), P99: pass.quantile(0.99).Seconds(),
		ServerCPU: server.Seconds(), ProxyCPU: proxy.Seconds(), Memory: memory,
	}, err
}

// Content types of the two kinds of messages.
const (
	checkIn      = "application/x-apple-aspen-mdm-checkin"
	reportResult = "application/x-apple-aspen-mdm"
)

// signed returns the messages of all devices.
func (s *sender) signed(contentType string, body func(int) ([]byte, error)) ([]message, error) {
	messages := make([]message, len(s.devices))
	err := eachCore(len(s.devices), func(i int) error {
		device := &s.devices[i]
		content, err := body(i)
		if err != nil {
			return err
		}
		proof, err := signature(content, device.Certificate, s.population.Keys[device.Key])
		messages[i] = s.put(contentType, content, proof)
		return err
	})
	return messages, err
}

func (s *sender) put(contentType string, content []byte, proof string) message {
	path := "/mdm"
	if s.server == "muster" {
		path = map[string]string{checkIn: "/mdm/checkin", reportResult: "/mdm/command"}[contentType]
	}
	return newMessage("PUT", path, []string{"Content-Type: " + contentType, "Mdm-Signature: " + proof}, content)
}

// empty returns an error if an answer has a body.
func empty(pass *pass) error {
	for _, body := range pass.bodies {
		if len(body) > 0 {
			return fmt.Errorf("an answer has a body where none is expected: %.200q", body)
		}
	}
	return nil
}

func (s *sender) authenticate(send sendMeasured) (*pass, error) {
	messages, err := s.signed(checkIn, func(i int) ([]byte, error) {
		return authenticate(&s.devices[i], s.population.Topic), nil
	})
	if err != nil {
		return nil, err
	}
	return send(messages)
}

func (s *sender) tokenUpdate(send sendMeasured) (*pass, error) {
	messages, err := s.signed(checkIn, func(i int) ([]byte, error) {
		return tokenUpdate(&s.devices[i], s.population.Topic, s.salt), nil
	})
	if err != nil {
		return nil, err
	}
	return send(messages)
}

func (s *sender) idles(devices []Device) []message {
	messages := make([]message, len(devices))
	for i := range devices {
		messages[i] = s.put(reportResult, idle(&devices[i]), devices[i].Idle)
	}
	return messages
}

// openPool lets the first devices, which send nothing else, send Idle at once. After it NanoMDM has its connections to
// PostgreSQL, which cost more than a message each.
func (s *sender) openPool() error {
	connections, err := s.target.connect(atOnce)
	if err != nil {
		return err
	}
	pass, err := sendAll(connections, s.idles(s.population.Devices[:atOnce]), 1)
	if err != nil {
		return err
	}
	return empty(pass)
}

func (s *sender) idleWithoutWork(send sendMeasured) (*pass, error) {
	pass, err := send(s.idles(s.devices))
	if err != nil {
		return nil, err
	}
	return pass, empty(pass)
}

// fetch lets each device receive its first command.
func (s *sender) fetch(send sendMeasured) (*pass, error) {
	pass, err := send(s.idles(s.devices))
	if err != nil {
		return nil, err
	}
	return pass, s.received(pass)
}

func (s *sender) received(pass *pass) error {
	s.commands = make([]Command, len(s.devices))
	for i, body := range pass.bodies {
		var err error
		if s.commands[i], err = parseCommand(body); err != nil {
			return err
		}
	}
	return nil
}

// acknowledge answers all commands. The answer to the last one has no body.
func (s *sender) acknowledge(send sendMeasured) (*pass, error) {
	if s.commands == nil {
		return nil, errors.New("the step fetch must come before")
	}
	var all *pass
	for nth := range firstCommands {
		messages, err := s.signed(reportResult, func(i int) ([]byte, error) {
			return acknowledged(&s.devices[i], s.commands[i])
		})
		if err != nil {
			return nil, err
		}
		pass, err := send(messages)
		if err != nil {
			return nil, err
		}
		if nth == len(firstCommands)-1 {
			err = empty(pass)
		} else {
			err = s.received(pass)
		}
		if err != nil {
			return nil, err
		}
		if all == nil {
			all = pass
		} else {
			all.add(pass)
		}
	}
	return all, nil
}

// queue queues the commands that Muster queues by itself for a newly enrolled device.
func (s *sender) queue() error {
	if s.server == "muster" {
		return nil
	}
	api, err := newTarget(s.api, "")
	if err != nil {
		return err
	}
	access := base64.StdEncoding.EncodeToString([]byte("nanomdm:" + apiKey))
	for _, kind := range firstCommands {
		messages := make([]message, len(s.devices))
		for i, device := range s.devices {
			body := command(Command{UUID: newID(), RequestType: kind})
			path := "/v1/enqueue/" + device.ID + "?nopush=1"
			messages[i] = newMessage("PUT", path, []string{"Authorization: Basic " + access}, body)
		}
		connections, err := api.connect(min(atOnce, len(messages)))
		if err != nil {
			return err
		}
		if _, err := sendAll(connections, messages, 1); err != nil {
			return err
		}
	}
	return nil
}

// apiKey is NanoMDM's API key in this benchmark.
const apiKey = "benchmark"
