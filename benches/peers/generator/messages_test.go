package main

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/smallstep/pkcs7"
)

func aRequester(t *testing.T) *requester {
	t.Helper()
	keys, err := newKeys()
	if err != nil {
		t.Fatal(err)
	}
	made, err := newRequester(keys[0])
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestASignatureIsDetachedAndFitsOnlyItsBody(t *testing.T) {
	signer := aRequester(t)
	header, err := signature([]byte("a body"), signer.certificate.Raw, signer.key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := base64.StdEncoding.DecodeString(header)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := pkcs7.Parse(der)
	if err != nil {
		t.Fatal(err)
	}
	if len(signed.Content) != 0 {
		t.Error("it contains the body")
	}
	for body, fits := range map[string]bool{"a body": true, "another": false} {
		signed.Content = []byte(body)
		if err := signed.Verify(); (err == nil) != fits {
			t.Errorf("%q: %v", body, err)
		}
	}
}

func TestACommandIsReadAsItWasWritten(t *testing.T) {
	for _, kind := range firstCommands {
		written := Command{UUID: newID(), RequestType: kind}
		read, err := parseCommand(command(written))
		if err != nil || read != written {
			t.Errorf("%v became %v, %v", written, read, err)
		}
	}
	if _, err := parseCommand(nil); err == nil {
		t.Error("an empty body is no command")
	}
}

func TestEachFirstCommandHasAnAnswerAndNoOther(t *testing.T) {
	device := &Device{ID: newID()}
	for _, kind := range firstCommands {
		body, err := acknowledged(device, Command{UUID: "1", RequestType: kind})
		if err != nil || !strings.Contains(string(body), "<string>Acknowledged</string>") {
			t.Errorf("%s: %s, %v", kind, body, err)
		}
	}
	if _, err := acknowledged(device, Command{UUID: "1", RequestType: "EraseDevice"}); err == nil {
		t.Error("these devices do not know EraseDevice")
	}
}

func TestAnotherSaltMakesAnotherToken(t *testing.T) {
	device := &Device{ID: newID()}
	first, second := string(tokenUpdate(device, "topic", "-tls-1")), string(tokenUpdate(device, "topic", "-tls-2"))
	if first == second || strings.Split(first, "<data>")[1] == strings.Split(second, "<data>")[1] {
		t.Errorf("%s is %s", first, second)
	}
}

func TestTextIsEscaped(t *testing.T) {
	if got := text("Topic", "a<b").value; got != "<string>a&lt;b</string>" {
		t.Error(got)
	}
}
