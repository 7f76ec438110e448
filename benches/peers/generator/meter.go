package main

import "time"

// meter reads what server and proxy use.
type meter struct{ server, proxy processes }

func newMeter(servers, proxy string) (*meter, error) {
	server, err := parseProcesses(servers)
	if err != nil || proxy == "" {
		return &meter{server: server}, err
	}
	inFront, err := parseProcesses(proxy)
	return &meter{server, inFront}, err
}

// used is CPU time.
type used struct{ server, proxy time.Duration }

// measure performs a step and returns what its messages cost. Each is sent `repeat` times.
func (m *meter) measure(target *target, repeat int, step step) (*Result, error) {
	var all used
	pass, err := step(func(messages []message) (*pass, error) {
		pass, used, err := m.sent(target, messages, repeat)
		all.server, all.proxy = all.server+used.server, all.proxy+used.proxy
		return pass, err
	})
	if err != nil {
		return nil, err
	}
	memory, err := m.server.memory()
	return &Result{
		Messages: len(pass.latencies), Seconds: pass.took.Seconds(),
		P50: pass.quantile(0.5).Seconds(), P99: pass.quantile(0.99).Seconds(),
		ServerCPU: all.server.Seconds(), ProxyCPU: all.proxy.Seconds(), Memory: memory,
	}, err
}

// sent sends messages over connections that are opened before the CPU time is read.
func (m *meter) sent(target *target, messages []message, repeat int) (*pass, used, error) {
	connections, err := target.connect(min(atOnce, len(messages)))
	if err != nil {
		return nil, used{}, err
	}
	serverBefore, err := m.server.cpu()
	if err != nil {
		return nil, used{}, err
	}
	proxyBefore, err := m.proxy.cpu()
	if err != nil {
		return nil, used{}, err
	}
	pass, err := sendAll(connections, messages, repeat)
	if err != nil {
		return nil, used{}, err
	}
	serverAfter, err := m.server.settled()
	if err != nil {
		return nil, used{}, err
	}
	proxyAfter, err := m.proxy.cpu()
	return pass, used{serverAfter - serverBefore, proxyAfter - proxyBefore}, err
}
