package main

import (
	"os"
	"syscall"
	"testing"
	"time"
)

func TestTheNameOfAProcessMayContainBrackets(t *testing.T) {
	line := "42 (a) (b)) S 7 42 42 0 -1 4194304 100 0 0 0 150 50 30 20 20 0 1 0 100 1000 10"
	got, err := parseStat(line)
	if want := (stat{7, 500 * time.Millisecond}); err != nil || got != want {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := parseStat("42 (a) S 7"); err == nil {
		t.Error("a short line is no stat")
	}
}

func TestMemoryIsTheProportionalShare(t *testing.T) {
	if got := proportional([]byte("00400000-7fff [rollup]\nRss:  300 kB\nPss:  200 kB\nPss_Dirty: 100 kB\n")); got != 200<<10 {
		t.Error(got)
	}
}

func TestThisProcessBelongsToTheFamilyOfItsParent(t *testing.T) {
	family, err := processes{os.Getppid()}.family()
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range family {
		if id == os.Getpid() {
			return
		}
	}
	t.Errorf("%d is not in %v", os.Getpid(), family)
}

func TestTheClockOfAProcessAgreesWithItsUsage(t *testing.T) {
	usage := func() time.Duration {
		var used syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
			t.Fatal(err)
		}
		return time.Duration(used.Utime.Nano() + used.Stime.Nano())
	}
	before := usage()
	clock, err := cpuClock(os.Getpid())
	// Usage is kept in microseconds.
	if after := usage(); err != nil || clock < before-time.Millisecond || clock > after+time.Millisecond {
		t.Errorf("%v is not between %v and %v, %v", clock, before, after, err)
	}
}

func TestAServerThatHasEndedIsAnError(t *testing.T) {
	// The highest possible id is 2^22 (proc(5), pid_max).
	if _, err := (processes{1<<22 + 1}).cpu(); err == nil {
		t.Error("no such process runs")
	}
	if _, err := parseProcesses("1,x"); err == nil {
		t.Error("x is no process id")
	}
}
