package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
)

// rows are the steps in the tables.
var rows = []struct{ step, name string }{
	{"authenticate", "Authenticate, first"},
	{"enrolled", "TokenUpdate, first"},
	{"token", "TokenUpdate with new values"},
	{"fetch", "Idle, delivers the first command, state not in memory"},
	{"acknowledge", "Acknowledged"},
	{"cold", "Idle, empty queue, the first after a restart"},
	{"warm", "Idle, empty queue, again"},
}

var transports = []struct{ name, heading string }{
	{"tls", "TLS: Muster terminates it, HAProxy in front of NanoMDM"},
	{"plain", "Plain HTTP to HAProxy, which forwards to Muster over TLS and to NanoMDM without"},
}

var servers = []string{"muster", "nanomdm"}

// report prints the medians of all rounds.
func report(arguments []string) error {
	flags := flag.NewFlagSet("report", flag.ExitOnError)
	file := flags.String("results", "", "file of the results")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	results, err := readResults(*file)
	if err != nil {
		return err
	}
	return writeTables(os.Stdout, results)
}

func readResults(path string) ([]Result, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var results []Result
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var result Result
		if err := json.Unmarshal(lines.Bytes(), &result); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		results = append(results, result)
	}
	return results, lines.Err()
}

// figures of one cell, as medians of the rounds.
type figures struct {
	rate, p50, p99, server, proxy float64
}

func figuresOf(results []Result, server, transport, step string) (figures, bool) {
	var rate, p50, p99, cpu, proxy []float64
	for _, result := range results {
		if result.Server != server || result.Transport != transport || result.Step != step {
			continue
		}
		count := float64(result.Messages)
		rate = append(rate, count/result.Seconds)
		p50, p99 = append(p50, result.P50), append(p99, result.P99)
		cpu, proxy = append(cpu, result.ServerCPU/count), append(proxy, result.ProxyCPU/count)
	}
	if len(rate) == 0 {
		return figures{}, false
	}
	return figures{median(rate), median(p50), median(p99), median(cpu), median(proxy)}, true
}

func median(values []float64) float64 {
	sorted := append([]float64{}, values...)
	slices.Sort(sorted)
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

func writeTables(out io.Writer, results []Result) error {
	for _, transport := range transports {
		if _, err := fmt.Fprintf(out, "%s (Muster / NanoMDM):\n\n%s", transport.heading, tableHead); err != nil {
			return err
		}
		for _, row := range rows {
			var of [2]figures
			complete := true
			for i, server := range servers {
				var found bool
				of[i], found = figuresOf(results, server, transport.name, row.step)
				complete = complete && found
			}
			if !complete {
				continue
			}
			if _, err := io.WriteString(out, line(row.name, of[0], of[1])); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintln(out); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(out, "Muster takes %.0f MiB at most, NanoMDM and PostgreSQL together %.0f MiB.\n",
		mostMemory(results, "muster"), mostMemory(results, "nanomdm"))
	return err
}

const tableHead = "| Message | Messages a second | Server CPU, ms | With the proxy, ms | Median, ms | 99 %, ms |\n" +
	"|---|---|---|---|---|---|\n"

// line returns a row; each cell has Muster's figure first.
func line(name string, muster, nano figures) string {
	cells := []string{name, rounded(muster.rate) + " / " + rounded(nano.rate)}
	for _, seconds := range []func(figures) float64{
		func(of figures) float64 { return of.server },
		func(of figures) float64 { return of.server + of.proxy },
		func(of figures) float64 { return of.p50 },
		func(of figures) float64 { return of.p99 },
	} {
		cells = append(cells, rounded(1e3*seconds(muster))+" / "+rounded(1e3*seconds(nano)))
	}
	return "| " + strings.Join(cells, " | ") + " |\n"
}

// rounded returns two significant digits: more would pretend an accuracy that no figure has. Thousands have commas.
func rounded(value float64) string {
	unit, decimals := 1.0, 0
	for math.Round(value/unit) >= 100 {
		unit *= 10
	}
	for math.Round(10*value/unit) < 100 && decimals < 6 {
		unit /= 10
		decimals++
	}
	digits := strconv.FormatFloat(math.Round(value/unit)*unit, 'f', decimals, 64)
	if decimals > 0 {
		return digits
	}
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

// mostMemory returns the median of the rounds' peaks, in MiB.
func mostMemory(results []Result, server string) float64 {
	peaks := map[string]int64{}
	for _, result := range results {
		if result.Server == server {
			round := fmt.Sprint(result.Transport, result.Round)
			peaks[round] = max(peaks[round], result.Memory)
		}
	}
	var all []float64
	for _, peak := range peaks {
		all = append(all, float64(peak)/(1<<20))
	}
	if len(all) == 0 {
		return 0
	}
	return median(all)
}
