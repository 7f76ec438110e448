package main

import (
	"bytes"
	"crypto/x509"
	"testing"

	"github.com/smallstep/pkcs7"
)

func TestARequestIsForTheRecipientAndCarriesTheChallenge(t *testing.T) {
	device, authority := aRequester(t), aRequester(t)
	message, err := device.request("a challenge, with ümlaut", authority.certificate)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := pkcs7.Parse(message)
	if err != nil {
		t.Fatal(err)
	}
	if err := signed.Verify(); err != nil {
		t.Error(err)
	}
	var kind string
	if err := signed.UnmarshalSignedAttribute(oidMessageType, &kind); err != nil || kind != "19" {
		t.Error(kind, err)
	}
	envelope, err := pkcs7.Parse(signed.Content)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := envelope.Decrypt(authority.certificate, authority.key)
	if err != nil {
		t.Fatal(err)
	}
	request, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		t.Fatal(err)
	}
	if err := request.CheckSignature(); err != nil {
		t.Error(err)
	}
	if !bytes.Contains(csr, []byte("a challenge, with ümlaut")) {
		t.Error("the request lacks the challenge")
	}
}
