package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// tick is the unit of CPU time in /proc/PID/stat (proc(5)): 10 ms.
const tick = 10 * time.Millisecond

// A server still works on messages after it has answered them: it folds events, sends pushes, writes pages. Its CPU
// time counts until it has been idle for `quiet`, but for no longer than `mostQuiet`. Muster stores times of last
// contact every two seconds, so a shorter time would miss that.
const (
	quiet     = 2500 * time.Millisecond
	mostQuiet = 30 * time.Second
)

// processes are the processes of a server, by the ids of the first ones.
type processes []int

func parseProcesses(list string) (processes, error) {
	var roots processes
	for _, word := range strings.Split(list, ",") {
		id, err := strconv.Atoi(word)
		if err != nil {
			return nil, fmt.Errorf("%q is no process id", word)
		}
		roots = append(roots, id)
	}
	return roots, nil
}

// stat is what /proc/PID/stat says about a process.
type stat struct {
	parent int
	// ended is the CPU time of its children that have ended.
	ended time.Duration
}

// parseStat reads a line of /proc/PID/stat. The second field, the name in brackets, may contain anything.
func parseStat(line string) (stat, error) {
	fields := strings.Fields(line[strings.LastIndexByte(line, ')')+1:])
	if len(fields) < 15 {
		return stat{}, errors.New("/proc/PID/stat has too few fields")
	}
	// ppid, cutime, cstime
	var numbers [3]int64
	for i, field := range []int{1, 13, 14} {
		number, err := strconv.ParseInt(fields[field], 10, 64)
		if err != nil {
			return stat{}, err
		}
		numbers[i] = number
	}
	return stat{int(numbers[0]), time.Duration(numbers[1]+numbers[2]) * tick}, nil
}

func readStat(process int) (stat, error) {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", process))
	if err != nil {
		return stat{}, err
	}
	return parseStat(string(line))
}

// family returns the processes with all their descendants.
func (p processes) family() ([]int, error) {
	folders, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	for _, folder := range folders {
		id, err := strconv.Atoi(filepath.Base(folder))
		if err != nil {
			continue
		}
		// A process may have ended since.
		if of, err := readStat(id); err == nil {
			children[of.parent] = append(children[of.parent], id)
		}
	}
	family := append([]int{}, p...)
	for i := 0; i < len(family); i++ {
		family = append(family, children[family[i]]...)
	}
	return family, nil
}

// cpu returns the CPU time of the processes and their descendants, including those that have ended.
func (p processes) cpu() (time.Duration, error) {
	family, err := p.family()
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for i, id := range family {
		of, err := readStat(id)
		own, clockErr := cpuClock(id)
		// A descendant that has ended since counts with its parent the next time.
		if err = errors.Join(err, clockErr); err == nil {
			sum += own + of.ended
		} else if i < len(p) {
			return 0, fmt.Errorf("the process %d has ended: %w", id, err)
		}
	}
	return sum, nil
}

// cpuClock returns the CPU time of a process. The times in /proc/PID/stat are whole ticks: with one process for each of
// 64 connections, half a second of CPU time would be missing from the sum.
func cpuClock(process int) (time.Duration, error) {
	// The clock id of a process: its inverted id, and CPUCLOCK_SCHED (clock_getcpuclockid(3)).
	clock := int32(^process<<3 | 2)
	var now unix.Timespec
	if err := unix.ClockGettime(clock, &now); err != nil {
		return 0, err
	}
	return time.Duration(now.Nano()), nil
}

// settled waits until the processes are idle and returns their CPU time.
func (p processes) settled() (time.Duration, error) {
	used, err := p.cpu()
	since, end := time.Now(), time.Now().Add(mostQuiet)
	for err == nil && time.Since(since) < quiet && time.Now().Before(end) {
		time.Sleep(100 * time.Millisecond)
		var now time.Duration
		now, err = p.cpu()
		// An idle server also uses a little now and then.
		if now-used > tick {
			used, since = now, time.Now()
		}
	}
	if err != nil {
		return 0, err
	}
	return p.cpu()
}

// memory returns the resident memory in bytes. Pages that several processes share, such as PostgreSQL's buffers, count
// once (Pss).
func (p processes) memory() (int64, error) {
	family, err := p.family()
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, id := range family {
		file, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", id))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, err
		}
		sum += proportional(file)
	}
	return sum, nil
}

// proportional returns the Pss of an smaps_rollup file, in bytes.
func proportional(file []byte) int64 {
	lines := bufio.NewScanner(bytes.NewReader(file))
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) > 1 && fields[0] == "Pss:" {
			kib, _ := strconv.ParseInt(fields[1], 10, 64)
			return kib << 10
		}
	}
	return 0
}
