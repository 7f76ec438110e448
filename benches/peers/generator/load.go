package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"time"
)

// atOnce is the number of connections, each of which waits for its answer before it sends the next message.
const atOnce = 64

// mostTime bounds one pass of messages.
const mostTime = 10 * time.Minute

// target is a server under test.
type target struct {
	address string
	// tls is nil for plain HTTP.
	tls *tls.Config
}

func newTarget(address, roots string) (*target, error) {
	parsed, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	if parsed.Scheme != "https" {
		return &target{address: parsed.Host}, nil
	}
	pool, err := readRoots(roots)
	if err != nil {
		return nil, err
	}
	return &target{parsed.Host, &tls.Config{RootCAs: pool, ServerName: parsed.Hostname()}}, nil
}

// connection is open, and has carried a request.
type connection struct {
	net.Conn
	reader *bufio.Reader
}

// connect opens connections. Each carries one request, so that the handshakes, also those of a proxy with its server,
// are over before messages are measured.
func (t *target) connect(count int) ([]*connection, error) {
	connections := make([]*connection, count)
	err := each(count, count, func(i int) error {
		opened, err := t.dial()
		if err != nil {
			return err
		}
		connections[i] = &connection{opened, bufio.NewReader(opened)}
		if err := opened.SetDeadline(time.Now().Add(mostTime)); err != nil {
			return err
		}
		// Neither server has such a page.
		_, _, err = connections[i].exchange(newMessage("GET", "/is-not-there", nil, nil))
		return err
	})
	return connections, err
}

func (t *target) dial() (net.Conn, error) {
	plain, err := net.Dial("tcp", t.address)
	if err != nil || t.tls == nil {
		return plain, err
	}
	secure := tls.Client(plain, t.tls)
	if err := secure.Handshake(); err != nil {
		_ = plain.Close()
		return nil, err
	}
	return secure, nil
}

// message is an HTTP request, complete with its signature.
type message []byte

func newMessage(method, path string, headers []string, body []byte) message {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%s %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: MDM/1.0\r\n", method, path)
	for _, header := range headers {
		out.WriteString(header + "\r\n")
	}
	fmt.Fprintf(&out, "Content-Length: %d\r\n\r\n", len(body))
	out.Write(body)
	return out.Bytes()
}

// pass is what one pass over messages took.
type pass struct {
	took time.Duration
	// latencies are sorted.
	latencies []time.Duration
	// bodies of the answers, by message; those of the last repetition.
	bodies [][]byte
}

// sendAll sends each message `repeat` times, in turn, and closes the connections. An answer other than 200 is an error:
// a server that refuses messages is not measured.
func sendAll(connections []*connection, messages []message, repeat int) (*pass, error) {
	total := len(messages) * repeat
	result := &pass{latencies: make([]time.Duration, total), bodies: make([][]byte, len(messages))}
	var next atomic.Int64
	begun := time.Now()
	err := each(len(connections), len(connections), func(nth int) error {
		defer connections[nth].Close()
		for {
			i := int(next.Add(1) - 1)
			if i >= total {
				return nil
			}
			sent := time.Now()
			status, body, err := connections[nth].exchange(messages[i%len(messages)])
			if err != nil {
				return fmt.Errorf("message %d: %w", i, err)
			}
			if status != http.StatusOK {
				return fmt.Errorf("message %d was answered with status %d: %.200q", i, status, body)
			}
			result.latencies[i] = time.Since(sent)
			result.bodies[i%len(messages)] = body
		}
	})
	result.took = time.Since(begun)
	slices.Sort(result.latencies)
	return result, err
}

func (c *connection) exchange(message message) (status int, body []byte, err error) {
	if _, err := c.Write(message); err != nil {
		return 0, nil, err
	}
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	body, err = io.ReadAll(response.Body)
	return response.StatusCode, body, err
}

// add joins two passes that one step measures together.
func (p *pass) add(other *pass) {
	p.took += other.took
	p.latencies = append(p.latencies, other.latencies...)
	slices.Sort(p.latencies)
	p.bodies = other.bodies
}

// quantile returns the latency below which this part of the messages is.
func (p *pass) quantile(part float64) time.Duration {
	return p.latencies[min(int(part*float64(len(p.latencies))), len(p.latencies)-1)]
}
