package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/smallstep/pkcs7"
)

var (
	oidChallenge   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 7}
	oidSHA256RSA   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}
	oidMessageType = asn1.ObjectIdentifier{2, 16, 840, 1, 113733, 1, 9, 2}
	oidStatus      = asn1.ObjectIdentifier{2, 16, 840, 1, 113733, 1, 9, 3}
	oidSenderNonce = asn1.ObjectIdentifier{2, 16, 840, 1, 113733, 1, 9, 5}
	oidTransaction = asn1.ObjectIdentifier{2, 16, 840, 1, 113733, 1, 9, 7}
)

// requester is a key with a self-signed certificate, which signs SCEP requests and to which answers are encrypted.
type requester struct {
	key         *rsa.PrivateKey
	certificate *x509.Certificate
}

func newRequester(key *rsa.PrivateKey) (*requester, error) {
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "device"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(7 * 24 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	return &requester{key, certificate}, err
}

// scepRecipient returns the certificate to which requests are encrypted, from the answer to GetCACert: the registration
// authority.
func scepRecipient(certificates []byte) (*x509.Certificate, error) {
	parsed, err := pkcs7.Parse(certificates)
	if err != nil {
		return nil, err
	}
	for _, certificate := range parsed.Certificates {
		if !certificate.IsCA && certificate.KeyUsage&x509.KeyUsageKeyEncipherment != 0 {
			return certificate, nil
		}
	}
	return nil, errors.New("GetCACert names no registration authority")
}

// request returns a PKCSReq (RFC 8894 section 3.3.1).
func (r *requester) request(challenge string, recipient *x509.Certificate) ([]byte, error) {
	csr, err := r.certificationRequest(challenge)
	if err != nil {
		return nil, err
	}
	envelope, err := pkcs7.Encrypt(csr, []*x509.Certificate{recipient})
	if err != nil {
		return nil, err
	}
	signed, err := pkcs7.NewSignedData(envelope)
	if err != nil {
		return nil, err
	}
	signed.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256)
	nonce := make([]byte, 16)
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	transaction := sha256.Sum256(csr)
	attributes := []pkcs7.Attribute{
		{Type: oidMessageType, Value: "19"},
		{Type: oidSenderNonce, Value: nonce},
		{Type: oidTransaction, Value: hex.EncodeToString(transaction[:])},
	}
	if err := signed.AddSigner(r.certificate, r.key, pkcs7.SignerInfoConfig{ExtraSignedAttributes: attributes}); err != nil {
		return nil, err
	}
	return signed.Finish()
}

// certificationRequest returns a PKCS #10 request with a challengePassword, which crypto/x509 cannot write.
func (r *requester) certificationRequest(challenge string) ([]byte, error) {
	public, err := x509.MarshalPKIXPublicKey(r.key.Public())
	if err != nil {
		return nil, err
	}
	password, err := asn1.MarshalWithParams(challenge, "utf8")
	if err != nil {
		return nil, err
	}
	type attribute struct {
		Type   asn1.ObjectIdentifier
		Values []asn1.RawValue `asn1:"set"`
	}
	information, err := asn1.Marshal(struct {
		Version    int
		Subject    asn1.RawValue
		Key        asn1.RawValue
		Attributes []attribute `asn1:"tag:0,set"`
	}{
		Subject:    asn1.RawValue{FullBytes: r.certificate.RawSubject},
		Key:        asn1.RawValue{FullBytes: public},
		Attributes: []attribute{{oidChallenge, []asn1.RawValue{{FullBytes: password}}}},
	})
	if err != nil {
		return nil, err
	}
	digest := sha256.Sum256(information)
	signature, err := rsa.SignPKCS1v15(rand.Reader, r.key, crypto.SHA256, digest[:])
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(struct {
		Information asn1.RawValue
		Algorithm   pkix.AlgorithmIdentifier
		Signature   asn1.BitString
	}{
		asn1.RawValue{FullBytes: information},
		pkix.AlgorithmIdentifier{Algorithm: oidSHA256RSA, Parameters: asn1.NullRawValue},
		asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)},
	})
}

// issued opens a CertRep and returns the issued certificate, DER.
func (r *requester) issued(answer []byte) ([]byte, error) {
	parsed, err := pkcs7.Parse(answer)
	if err != nil {
		return nil, err
	}
	if err := parsed.Verify(); err != nil {
		return nil, err
	}
	var status string
	if err := parsed.UnmarshalSignedAttribute(oidStatus, &status); err != nil {
		return nil, err
	}
	if status != "0" {
		return nil, fmt.Errorf("the server issued no certificate: pkiStatus %s", status)
	}
	envelope, err := pkcs7.Parse(parsed.Content)
	if err != nil {
		return nil, err
	}
	content, err := envelope.Decrypt(r.certificate, r.key)
	if err != nil {
		return nil, err
	}
	certificates, err := pkcs7.Parse(content)
	if err != nil {
		return nil, err
	}
	if len(certificates.Certificates) == 0 {
		return nil, errors.New("the answer contains no certificate")
	}
	return certificates.Certificates[0].Raw, nil
}
