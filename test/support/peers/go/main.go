// An MTLS peer on crypto/tls, server and client, that is told what to do line by line (../agent.ts has the protocol).
// It uses the standard library's own verification; beside that it only checks names against the list it was given.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// How long a server waits for a client that does not go on.
const patience = 10 * time.Second

var output sync.Mutex

func main() {
	listeners := map[string]*listener{}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		request, err := url.ParseQuery(lines.Text())
		if err != nil {
			fmt.Fprintln(os.Stderr, "not a request:", err)
			os.Exit(2)
		}
		id := request.Get("id")
		switch command := request.Get("command"); command {
		case "listen":
			started, err := listen(request)
			if err != nil {
				reply(id, "failed", url.Values{"detail": {err.Error()}})
				continue
			}
			listeners[id] = started
		case "connect":
			go func() {
				if err := connect(request); err != nil {
					reply(id, "failed", url.Values{"detail": {err.Error()}})
				}
			}()
		case "takeUp":
			if err := listeners[request.Get("listener")].takeUp(request.Get("ca.crt")); err != nil {
				reply(id, "failed", url.Values{"detail": {err.Error()}})
				continue
			}
			reply(id, "takenUp", url.Values{})
		case "close":
			if started := listeners[request.Get("listener")]; started != nil {
				started.Close()
			}
			reply(id, "closed", url.Values{})
		default:
			reply(id, "failed", url.Values{"detail": {"no such command: " + command}})
		}
	}
}

type listener struct {
	net.Listener
	request url.Values
	// What the next connection is held to.
	config atomic.Pointer[tls.Config]
}

// Goes on with other anchors.
func (started *listener) takeUp(anchors string) error {
	request := maps.Clone(started.request)
	request.Set("ca.crt", anchors)
	config, err := serverConfiguration(request)
	if err == nil {
		started.config.Store(config)
	}
	return err
}

func serverConfiguration(request url.Values) (*tls.Config, error) {
	config, err := configuration(request)
	if err != nil {
		return nil, err
	}
	// Each connection shows its certificate anew.
	config.SessionTicketsDisabled = true
	if request.Get("requireClientCertificate") == "true" {
		config.ClientAuth = tls.RequireAndVerifyClientCert
		if config.ClientCAs, err = anchors(request); err != nil {
			return nil, err
		}
	}
	if allowed := request["allowedNames"]; request.Get("checkNames") == "true" {
		config.VerifyConnection = func(state tls.ConnectionState) error {
			names := namesOf(state)
			if slices.ContainsFunc(names, func(name string) bool { return slices.Contains(allowed, name) }) {
				return nil
			}
			return fmt.Errorf("not in the topology: %s", strings.Join(names, ", "))
		}
	}
	return config, nil
}

func listen(request url.Values) (*listener, error) {
	config, err := serverConfiguration(request)
	if err != nil {
		return nil, err
	}
	listening, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	started := &listener{Listener: listening, request: request}
	started.config.Store(config)
	current := func(*tls.ClientHelloInfo) (*tls.Config, error) { return started.config.Load(), nil }
	id := request.Get("id")
	reply(id, "listening", url.Values{"port": {strconv.Itoa(listening.Addr().(*net.TCPAddr).Port)}})
	go func() {
		for {
			connection, err := listening.Accept()
			if err != nil {
				return
			}
			go serve(id, tls.Server(connection, &tls.Config{GetConfigForClient: current}))
		}
	}()
	return started, nil
}

func serve(id string, connection *tls.Conn) {
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(patience))
	err := connection.Handshake()
	lines := bufio.NewReader(connection)
	welcome := func() error {
		_, err := lines.ReadString('\n')
		if err == nil {
			_, err = connection.Write([]byte("welcome\n"))
		}
		return err
	}
	if err == nil {
		err = welcome()
	}
	report(id, connection, err)
	connection.SetDeadline(time.Time{})
	for err == nil {
		err = welcome()
	}
}

// What cannot even be tried is returned; how the handshake went is reported.
func connect(request url.Values) error {
	config, err := configuration(request)
	if err != nil {
		return err
	}
	if config.RootCAs, err = anchors(request); err != nil {
		return err
	}
	config.ServerName = request.Get("serverName")
	milliseconds, err := strconv.Atoi(request.Get("timeoutMs"))
	if err != nil {
		return err
	}
	deadline := time.Now().Add(time.Duration(milliseconds) * time.Millisecond)
	id := request.Get("id")
	dialled, err := (&net.Dialer{Deadline: deadline}).Dial("tcp", net.JoinHostPort("127.0.0.1", request.Get("port")))
	if err != nil {
		report(id, nil, err)
		return nil
	}
	connection := tls.Client(dialled, config)
	defer connection.Close()
	connection.SetDeadline(deadline)
	err = connection.Handshake()
	if err == nil {
		_, err = connection.Write([]byte("hello\n"))
	}
	if err == nil {
		_, err = bufio.NewReader(connection).ReadString('\n')
	}
	report(id, connection, err)
	return nil
}

func configuration(request url.Values) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	switch request.Get("protocol") {
	case "TLSv1.2":
		config.MaxVersion = tls.VersionTLS12
	case "TLSv1.3":
		config.MinVersion = tls.VersionTLS13
	}
	if !request.Has("tls.crt") {
		return config, nil
	}
	certificate, err := field(request, "tls.crt")
	if err != nil {
		return nil, err
	}
	key, err := field(request, "tls.key")
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, err
	}
	config.Certificates = []tls.Certificate{pair}
	// Left to itself, a client keeps back a certificate whose issuer the server did not ask for, and nobody could see it refused.
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	return config, nil
}

func anchors(request url.Values) (*x509.CertPool, error) {
	pem, err := field(request, "ca.crt")
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("ca.crt holds no certificate")
	}
	return pool, nil
}

func field(request url.Values, name string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(request.Get(name))
}

func namesOf(state tls.ConnectionState) []string {
	if len(state.PeerCertificates) == 0 {
		return nil
	}
	peer := state.PeerCertificates[0]
	names := slices.Clone(peer.DNSNames)
	for _, uri := range peer.URIs {
		names = append(names, uri.String())
	}
	return names
}

func report(id string, connection *tls.Conn, err error) {
	if err != nil {
		reply(id, "handshake", url.Values{"accepted": {"false"}, "detail": {err.Error()}})
		return
	}
	state := connection.ConnectionState()
	protocol := strings.Replace(tls.VersionName(state.Version), "TLS ", "TLSv", 1)
	reply(id, "handshake", url.Values{"accepted": {"true"}, "peerNames": namesOf(state), "protocol": {protocol}})
}

func reply(id, event string, fields url.Values) {
	fields.Set("id", id)
	fields.Set("event", event)
	output.Lock()
	defer output.Unlock()
	fmt.Println(fields.Encode())
}
