package main

import (
	"encoding/base64"
	"errors"
	"fmt"
)

// sendMeasured is the part of a step that is measured: sending signed messages.
type sendMeasured = func([]message) (*pass, error)

// step performs a step: it makes the messages, sends them, and checks the answers.
type step = func(sendMeasured) (*pass, error)

// sender sends the messages of steps to one server.
type sender struct {
	target     *target
	server     string
	api        string
	population *Population
	// devices that send now.
	devices []Device
	salt    string
	// commands that the devices have received and not answered, by device.
	commands []Command
}

func (s *sender) step(name string) (step, error) {
	steps := map[string]step{
		"cold": s.idleWithoutWork, "warm": s.idleWithoutWork, "token": s.tokenUpdate, "enrolled": s.tokenUpdate,
		"authenticate": s.authenticate, "fetch": s.fetch, "acknowledge": s.acknowledge,
	}
	if step, ok := steps[name]; ok {
		return step, nil
	}
	return nil, fmt.Errorf("the step %q is unknown", name)
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
