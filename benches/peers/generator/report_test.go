package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFiguresHaveTwoDigits(t *testing.T) {
	digits := map[float64]string{
		0.0434: "0.043", 0.967: "0.97", 5: "5.0", 9.96: "10", 99.4: "99", 99.6: "100", 1000: "1,000", 1234: "1,200", 129_999: "130,000",
	}
	for value, want := range digits {
		if got := rounded(value); got != want {
			t.Errorf("%v is %s", value, got)
		}
	}
}

func TestATableShowsTheMedianOfTheRoundsForBothServers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "results")
	for round, seconds := range []float64{1, 9, 2} {
		for _, server := range servers {
			result := &Result{Server: server, Transport: "tls", Step: "warm", Round: round + 1, Messages: 1000,
				Seconds: seconds, P50: 0.001, P99: 0.002, ServerCPU: 0.1, ProxyCPU: 0.05, Memory: 3 << 20}
			if err := appendResult(path, result); err != nil {
				t.Fatal(err)
			}
		}
	}
	results, err := readResults(path)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := writeTables(&out, results); err != nil {
		t.Fatal(err)
	}
	want := "| Idle, empty queue, again | 500 / 500 | 0.10 / 0.10 | 0.15 / 0.15 | 1.0 / 1.0 | 2.0 / 2.0 |\n"
	if !strings.Contains(out.String(), want) || !strings.Contains(out.String(), "Muster takes 3 MiB") {
		t.Error(out.String())
	}
	if strings.Contains(out.String(), "Authenticate") {
		t.Error("a step that was not measured has a row")
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readResults(path); err == nil {
		t.Error("a damaged file was read")
	}
}
