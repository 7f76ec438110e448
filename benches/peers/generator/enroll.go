package main

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/smallstep/pkcs7"
)

// mostPages is larger than the number of pages of an enrollment.
const mostPages = 12

// enrollAtOnce is the number of devices that enroll at the same time.
const enrollAtOnce = 4

const safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) " +
	"Version/17.5 Mobile/15E148 Safari/604.1"

type enrollOptions struct {
	url, root, user, population string
	devices                     int
}

func parseEnrollOptions(arguments []string) (enrollOptions, error) {
	var o enrollOptions
	flags := flag.NewFlagSet("enroll", flag.ExitOnError)
	flags.StringVar(&o.url, "url", "", "Muster's public URL")
	flags.StringVar(&o.root, "root", "", "PEM file with the root of Muster's TLS certificate")
	flags.StringVar(&o.user, "user", "", "account that enrolls all devices; MUSTER_SIMULATE_PASSWORD is its password")
	flags.IntVar(&o.devices, "devices", 0, "number of devices")
	flags.StringVar(&o.population, "population", "", "file to write")
	return o, flags.Parse(arguments)
}

// enroll walks the portal once for each device and gets its certificate. The devices have sent no message yet.
func enroll(arguments []string) error {
	options, err := parseEnrollOptions(arguments)
	if err != nil {
		return err
	}
	portal, err := newPortal(options.url, options.root, options.user, os.Getenv("MUSTER_SIMULATE_PASSWORD"))
	if err != nil {
		return err
	}
	begun := time.Now()
	population, err := portal.population(options.devices)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "%d devices got certificates in %.0f s\n", options.devices, time.Since(begun).Seconds())
	return population.save(options.population)
}

func (p *portal) population(count int) (*Population, error) {
	keys, err := newKeys()
	if err != nil {
		return nil, err
	}
	requesters := make([]*requester, len(keys))
	for i, key := range keys {
		if requesters[i], err = newRequester(key); err != nil {
			return nil, err
		}
	}
	population := &Population{Keys: keys, Devices: make([]Device, count)}
	var topic atomic.Value
	err = each(count, enrollAtOnce, func(i int) error {
		key := i % len(keys)
		profile, certificate, err := p.enroll(requesters[key])
		if err != nil {
			return fmt.Errorf("device %d: %w", i, err)
		}
		topic.Store(profile.topic)
		device := Device{ID: newID(), Certificate: certificate, Key: key}
		device.Idle, err = signature(idle(&device), certificate, keys[key])
		population.Devices[i] = device
		return err
	})
	population.Topic, _ = topic.Load().(string)
	return population, err
}

func newID() string {
	var bytes [16]byte
	// crypto/rand does not fail on Linux.
	_, _ = rand.Read(bytes[:])
	return strings.ToUpper(fmt.Sprintf("%x-%x-%x-%x-%x", bytes[:4], bytes[4:6], bytes[6:8], bytes[8:10], bytes[10:]))
}

// portal is Muster's portal, as Safari on an iPhone sees it.
type portal struct {
	url, user, password string
	transport           *http.Transport
	recipient           *x509.Certificate
}

func newPortal(server, roots, user, password string) (*portal, error) {
	pool, err := readRoots(roots)
	if err != nil {
		return nil, err
	}
	// Kept connections: TLS handshakes would be a large part of the preparation.
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, MaxIdleConnsPerHost: 16}
	p := &portal{url: server, user: user, password: password, transport: transport}
	answer, err := p.browser().get(server + "/scep?operation=GetCACert")
	if err != nil {
		return nil, err
	}
	pkcs7.ContentEncryptionAlgorithm = pkcs7.EncryptionAlgorithmAES128CBC
	p.recipient, err = scepRecipient(answer.body)
	return p, err
}

func readRoots(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s contains no certificate", path)
	}
	return pool, nil
}

// mdmProfile is what a device needs from its MDM profile.
type mdmProfile struct{ topic, challenge, scep string }

func (p *portal) enroll(requester *requester) (mdmProfile, []byte, error) {
	browser := p.browser()
	file, err := browser.download(p)
	if err != nil {
		return mdmProfile{}, nil, err
	}
	profile, err := parseProfile(file)
	if err != nil {
		return mdmProfile{}, nil, err
	}
	request, err := requester.request(profile.challenge, p.recipient)
	if err != nil {
		return mdmProfile{}, nil, err
	}
	answer, err := browser.post(profile.scep+"?operation=PKIOperation", "application/x-pki-message", request)
	if err != nil {
		return mdmProfile{}, nil, err
	}
	certificate, err := requester.issued(answer.body)
	return profile, certificate, err
}

func parseProfile(file []byte) (mdmProfile, error) {
	signed, err := pkcs7.Parse(file)
	if err != nil {
		return mdmProfile{}, err
	}
	value := func(key string) string {
		found := regexp.MustCompile(`<key>` + key + `</key>\s*<string>([^<]*)</string>`).FindSubmatch(signed.Content)
		if found == nil {
			return ""
		}
		return html.UnescapeString(string(found[1]))
	}
	profile := mdmProfile{topic: value("Topic"), challenge: value("Challenge"), scep: value("URL")}
	if profile.topic == "" || profile.challenge == "" || profile.scep == "" {
		return mdmProfile{}, errors.New("the MDM profile lacks Topic, Challenge or URL")
	}
	return profile, nil
}

// browser has the cookies of one person.
type browser struct {
	client *http.Client
	origin string
}

func (p *portal) browser() *browser {
	// Without options, creating a jar does not fail.
	jar, _ := cookiejar.New(nil)
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client := &http.Client{Transport: p.transport, Jar: jar, CheckRedirect: stay, Timeout: time.Minute}
	return &browser{client: client, origin: p.url}
}

// page is a response of the portal.
type page struct {
	url  *url.URL
	body []byte
}

var (
	formToken   = regexp.MustCompile(`name="csrf" value="([^"]+)"`)
	profileLink = regexp.MustCompile(`id="profile" href="([^"]+)"`)
)

// download walks the pages up to the MDM profile and returns that file.
func (b *browser) download(p *portal) ([]byte, error) {
	at, err := b.get(p.url + "/enroll/sign-in")
	for range mostPages {
		if err != nil {
			return nil, err
		}
		fields := url.Values{}
		switch at.url.Path {
		case "/enroll/sign-in":
			fields.Set("user_name", p.user)
			fields.Set("password", p.password)
		case "/enroll/ownership":
			fields.Set("ownership", "personal")
		case "/enroll/managed-apple-id":
			fields.Set("managed_apple_id", p.user+"@appleid.example.com")
		case "/enroll/mdm":
			link := profileLink.FindSubmatch(at.body)
			if link == nil {
				return nil, errors.New("the page of the MDM profile has no link to it")
			}
			file, err := b.get(p.url + html.UnescapeString(string(link[1])))
			return file.body, err
		}
		token := formToken.FindSubmatch(at.body)
		if token == nil {
			return nil, fmt.Errorf("the page %s has no form", at.url)
		}
		fields.Set("csrf", string(token[1]))
		at, err = b.post(at.url.String(), "application/x-www-form-urlencoded", []byte(fields.Encode()))
	}
	return nil, fmt.Errorf("the portal leads no further than to %s", at.url)
}

func (b *browser) get(address string) (page, error) {
	request, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return page{}, err
	}
	return b.open(request)
}

func (b *browser) post(address, contentType string, body []byte) (page, error) {
	request, err := http.NewRequest(http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return page{}, err
	}
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("Origin", b.origin)
	return b.open(request)
}

// open sends the request and follows redirects by GET.
func (b *browser) open(request *http.Request) (page, error) {
	request.Header.Set("User-Agent", safari)
	response, err := b.client.Do(request)
	if err != nil {
		return page{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return page{}, err
	}
	switch response.StatusCode {
	case http.StatusOK:
		return page{request.URL, body}, nil
	case http.StatusSeeOther:
		target, err := response.Location()
		if err != nil {
			return page{}, err
		}
		return b.get(target.String())
	}
	return page{}, fmt.Errorf("%s %s was answered with %s", request.Method, request.URL.Path, response.Status)
}
