package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/gob"
	"fmt"
	"os"
	"runtime"
	"sync"
)

// sharedKeys is the number of RSA keys that the devices share: generating a key takes longer than everything else.
const sharedKeys = 8

// Device is a device with an identity that Muster issued.
type Device struct {
	// ID is the EnrollmentID, a UUID in upper case.
	ID string
	// Certificate is the identity, DER.
	Certificate []byte
	// Key is the index of its private key.
	Key int
	// Idle is the Mdm-Signature header for the device's Idle message, which is the same each time.
	Idle string
}

// Population is the set of all devices.
type Population struct {
	Topic   string
	Keys    []*rsa.PrivateKey
	Devices []Device
}

func newKeys() ([]*rsa.PrivateKey, error) {
	keys := make([]*rsa.PrivateKey, sharedKeys)
	for i := range keys {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, err
		}
		keys[i] = key
	}
	return keys, nil
}

// stored is the form of a population in its file: keys as PKCS #8.
type stored struct {
	Topic   string
	Keys    [][]byte
	Devices []Device
}

func (p *Population) save(path string) error {
	kept := stored{Topic: p.Topic, Devices: p.Devices}
	for _, key := range p.Keys {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return err
		}
		kept.Keys = append(kept.Keys, der)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err := gob.NewEncoder(file).Encode(kept); err != nil {
		return fmt.Errorf("%s cannot be written: %w", path, err)
	}
	return file.Close()
}

func loadPopulation(path string) (*Population, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var kept stored
	if err := gob.NewDecoder(file).Decode(&kept); err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", path, err)
	}
	population := &Population{Topic: kept.Topic, Devices: kept.Devices}
	for _, der := range kept.Keys {
		key, err := x509.ParsePKCS8PrivateKey(der)
		if err != nil {
			return nil, err
		}
		pair, ok := key.(*rsa.PrivateKey)
		if !ok {
			return nil, fmt.Errorf("%s contains a key that is not RSA", path)
		}
		population.Keys = append(population.Keys, pair)
	}
	return population, nil
}

// each calls work for the numbers below count, several at once, and returns the first error.
func each(count, atOnce int, work func(int) error) error {
	next, failed := make(chan int), make(chan error, atOnce)
	var workers sync.WaitGroup
	for range atOnce {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for i := range next {
				if err := work(i); err != nil {
					failed <- err
					return
				}
			}
		}()
	}
	for i := range count {
		select {
		case next <- i:
		case err := <-failed:
			close(next)
			return err
		}
	}
	close(next)
	workers.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// eachCore is [each] with as many at once as there are cores.
func eachCore(count int, work func(int) error) error {
	return each(count, runtime.GOMAXPROCS(0), work)
}
