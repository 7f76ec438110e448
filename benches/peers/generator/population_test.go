package main

import (
	"path/filepath"
	"reflect"
	"testing"
)

func TestAPopulationIsReadAsItWasSaved(t *testing.T) {
	keys, err := newKeys()
	if err != nil {
		t.Fatal(err)
	}
	saved := &Population{Topic: "topic", Keys: keys, Devices: []Device{{ID: newID(), Certificate: []byte{1}, Key: 3, Idle: "x"}}}
	path := filepath.Join(t.TempDir(), "population")
	if err := saved.save(path); err != nil {
		t.Fatal(err)
	}
	read, err := loadPopulation(path)
	if err != nil {
		t.Fatal(err)
	}
	if read.Topic != saved.Topic || !reflect.DeepEqual(read.Devices, saved.Devices) || !read.Keys[7].Equal(keys[7]) {
		t.Errorf("%+v", read)
	}
}
