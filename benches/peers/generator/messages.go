package main

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"regexp"
	"strings"

	"github.com/smallstep/pkcs7"
)

// The version that the devices report: the newest on which a personal device enrolls at the portal.
const (
	osVersion = "17.5"
	osBuild   = "21F79"
	product   = "iPhone14,5"
)

const documentStart = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
`

// entry is a key of a property list with its value, as XML.
type entry struct{ key, value string }

func text(key, value string) entry {
	var escaped bytes.Buffer
	// A write to a buffer cannot fail.
	_ = xml.EscapeText(&escaped, []byte(value))
	return entry{key, "<string>" + escaped.String() + "</string>"}
}

func data(key string, value []byte) entry {
	return entry{key, "<data>" + base64.StdEncoding.EncodeToString(value) + "</data>"}
}

func boolean(key string, value bool) entry {
	return entry{key, fmt.Sprintf("<%t/>", value)}
}

func dictionary(entries ...entry) string {
	var out strings.Builder
	out.WriteString("<dict>\n")
	for _, entry := range entries {
		fmt.Fprintf(&out, "<key>%s</key>\n%s\n", entry.key, entry.value)
	}
	out.WriteString("</dict>")
	return out.String()
}

func document(entries ...entry) []byte {
	return []byte(documentStart + dictionary(entries...) + "\n</plist>\n")
}

func authenticate(device *Device, topic string) []byte {
	return document(text("BuildVersion", osBuild), text("EnrollmentID", device.ID), text("MessageType", "Authenticate"),
		text("OSVersion", osVersion), text("ProductName", product), text("Topic", topic))
}

// tokenUpdate returns a TokenUpdate. Another salt makes other values.
func tokenUpdate(device *Device, topic, salt string) []byte {
	token := []byte(fmt.Sprintf("%-32.32s", salt+device.ID))
	return document(boolean("AwaitingConfiguration", false), text("EnrollmentID", device.ID),
		text("MessageType", "TokenUpdate"), text("PushMagic", device.ID+salt), data("Token", token),
		text("Topic", topic))
}

func idle(device *Device) []byte {
	return document(text("EnrollmentID", device.ID), text("Status", "Idle"))
}

// Command is a command that a server sent.
type Command struct{ UUID, RequestType string }

// DeviceInformation and SecurityInfo are the commands that Muster queues for a newly enrolled device.
var firstCommands = []string{"DeviceInformation", "SecurityInfo"}

var queries = []string{"DeviceName", "OSVersion", "BuildVersion", "ModelName", "Model", "ProductName"}

// acknowledged returns the answer of a device in User Enrollment.
func acknowledged(device *Device, command Command) ([]byte, error) {
	entries := []entry{text("CommandUUID", command.UUID), text("EnrollmentID", device.ID)}
	switch command.RequestType {
	case "DeviceInformation":
		values := []string{"iPhone of " + device.ID[:8], osVersion, osBuild, "iPhone", "MLPG3", product}
		var answers []entry
		for i, query := range queries {
			answers = append(answers, text(query, values[i]))
		}
		entries = append(entries, entry{"QueryResponses", dictionary(answers...)})
	case "SecurityInfo":
		answers := dictionary(entry{"HardwareEncryptionCaps", "<integer>3</integer>"}, boolean("PasscodeCompliant", true))
		entries = append(entries, entry{"SecurityInfo", answers})
	default:
		return nil, fmt.Errorf("the server sent the command %q, which these devices do not know", command.RequestType)
	}
	return document(append(entries, text("Status", "Acknowledged"))...), nil
}

// command returns a command as a server sends it.
func command(command Command) []byte {
	entries := []entry{text("RequestType", command.RequestType)}
	if command.RequestType == "DeviceInformation" {
		var names strings.Builder
		for _, query := range queries {
			fmt.Fprintf(&names, "<string>%s</string>\n", query)
		}
		entries = append(entries, entry{"Queries", "<array>\n" + names.String() + "</array>"})
	}
	return document(entry{"Command", dictionary(entries...)}, text("CommandUUID", command.UUID))
}

var (
	commandUUID = regexp.MustCompile(`<key>CommandUUID</key>\s*<string>([^<]+)</string>`)
	requestType = regexp.MustCompile(`<key>RequestType</key>\s*<string>([^<]+)</string>`)
)

// parseCommand reads a command from the body of a response.
func parseCommand(body []byte) (Command, error) {
	uuid, kind := commandUUID.FindSubmatch(body), requestType.FindSubmatch(body)
	if uuid == nil || kind == nil {
		return Command{}, fmt.Errorf("the response is no command: %.200q", body)
	}
	return Command{UUID: string(uuid[1]), RequestType: string(kind[1])}, nil
}

// signature returns the value of the Mdm-Signature header: a detached CMS signature with the device's certificate,
// without signed attributes, as devices make it.
func signature(body, certificate []byte, key *rsa.PrivateKey) (string, error) {
	parsed, err := x509.ParseCertificate(certificate)
	if err != nil {
		return "", err
	}
	signed, err := pkcs7.NewSignedData(body)
	if err != nil {
		return "", err
	}
	signed.SetDigestAlgorithm(pkcs7.OIDDigestAlgorithmSHA256)
	signed.SetEncryptionAlgorithm(pkcs7.OIDEncryptionAlgorithmRSA)
	if err := signed.SignWithoutAttr(parsed, key, pkcs7.SignerInfoConfig{}); err != nil {
		return "", err
	}
	signed.Detach()
	der, err := signed.Finish()
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(der), nil
}
