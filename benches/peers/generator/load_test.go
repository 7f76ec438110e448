package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestEachMessageIsSentAsOftenAsItIsRepeated(t *testing.T) {
	var mutex sync.Mutex
	seen := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		mutex.Lock()
		defer mutex.Unlock()
		seen[request.URL.Path]++
		_, _ = response.Write([]byte(request.URL.Path))
	}))
	defer server.Close()
	messages := []message{newMessage("PUT", "/a", nil, nil), newMessage("PUT", "/b", nil, []byte("body"))}
	pass := sent(t, server.URL, messages, 3)
	if seen["/a"] != 3 || seen["/b"] != 3 || len(pass.latencies) != 6 {
		t.Errorf("%v, %d latencies", seen, len(pass.latencies))
	}
	if string(pass.bodies[0]) != "/a" || string(pass.bodies[1]) != "/b" {
		t.Errorf("%q", pass.bodies)
	}
}

func sent(t *testing.T, address string, messages []message, repeat int) *pass {
	t.Helper()
	pass, err := trySend(t, address, messages, repeat)
	if err != nil {
		t.Fatal(err)
	}
	return pass
}

func trySend(t *testing.T, address string, messages []message, repeat int) (*pass, error) {
	t.Helper()
	target, err := newTarget(address, "")
	if err != nil {
		t.Fatal(err)
	}
	connections, err := target.connect(min(atOnce, len(messages)))
	if err != nil {
		t.Fatal(err)
	}
	return sendAll(connections, messages, repeat)
}

func TestARefusedMessageFailsTheRun(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		if request.URL.Path == "/refused" {
			http.Error(response, "not you", http.StatusForbidden)
		}
	}))
	defer server.Close()
	messages := []message{newMessage("PUT", "/a", nil, nil), newMessage("PUT", "/refused", nil, nil)}
	if _, err := trySend(t, server.URL, messages, 1); err == nil || !strings.Contains(err.Error(), "not you") {
		t.Error(err)
	}
}

func TestEachReturnsTheFirstErrorAndOtherwiseDoesEverything(t *testing.T) {
	var done atomic.Int64
	if err := each(100, 3, func(int) error { done.Add(1); return nil }); err != nil || done.Load() != 100 {
		t.Error(done.Load(), err)
	}
	wrong := errors.New("wrong")
	fails := func(i int) error {
		if i == 50 {
			return wrong
		}
		return nil
	}
	if err := each(100, 3, fails); !errors.Is(err, wrong) {
		t.Error(err)
	}
}

func TestQuantilesOfJoinedPassesAreThoseOfAllMessages(t *testing.T) {
	first := &pass{took: time.Second, latencies: []time.Duration{1, 4}}
	first.add(&pass{took: time.Second, latencies: []time.Duration{2, 3}, bodies: [][]byte{{1}}})
	if first.took != 2*time.Second || first.quantile(0.5) != 3 || first.quantile(0.99) != 4 || len(first.bodies) != 1 {
		t.Errorf("%+v", first)
	}
}
