// Reads chains as JSON lines and says, of each, what zlint finds in its first certificate and whether Go's crypto/x509
// accepts it. What is found is judged by the caller.
package main

import (
	"bufio"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
	"time"

	zcrypto "github.com/zmap/zcrypto/x509"
	"github.com/zmap/zlint/v3"
	"github.com/zmap/zlint/v3/lint"
)

// question is a chain, each certificate in DER (base64 in JSON): the one in question, those between, the roots.
type question struct {
	Chain   [][]byte `json:"chain"`
	Roots   [][]byte `json:"roots"`
	DNSName string   `json:"dnsName"`
	// Extended key usages that must be allowed, all of them: "serverAuth", "clientAuth", "any".
	Usages []string `json:"usages"`
	Now    int64    `json:"now"`
}

type finding struct {
	Lint    string `json:"lint"`
	Level   string `json:"level"`
	Details string `json:"details"`
}

type answer struct {
	// How many lints applied to the certificate and passed.
	Passed   int       `json:"passed"`
	Findings []finding `json:"findings"`
	// What Go says against the chain, by usage.
	Refused []string `json:"refused"`
}

// All sources that speak of TLS certificates; those of code signing, mail and extended validation do not.
var sources = lint.SourceList{
	lint.RFC3279, lint.RFC5280, lint.RFC5480, lint.RFC5891, lint.RFC6962, lint.RFC8813, lint.Community,
	lint.CABFBaselineRequirements, lint.MozillaRootStorePolicy, lint.AppleRootStorePolicy,
}

var usages = map[string]x509.ExtKeyUsage{
	"serverAuth": x509.ExtKeyUsageServerAuth,
	"clientAuth": x509.ExtKeyUsageClientAuth,
	"any":        x509.ExtKeyUsageAny,
}

func lintFindings(registry lint.Registry, der []byte) (passed int, findings []finding, err error) {
	certificate, err := zcrypto.ParseCertificate(der)
	if err != nil {
		return 0, nil, fmt.Errorf("zlint cannot parse it: %w", err)
	}
	findings = []finding{}
	for name, result := range zlint.LintCertificateEx(certificate, registry).Results {
		switch result.Status {
		case lint.Pass:
			passed++
		case lint.Warn, lint.Error, lint.Fatal:
			findings = append(findings, finding{name, result.Status.String(), result.Details})
		}
	}
	return passed, findings, nil
}

func refusals(asked question) ([]string, error) {
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	for _, der := range asked.Roots {
		root, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		roots.AddCert(root)
	}
	for _, der := range asked.Chain[1:] {
		intermediate, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, err
		}
		intermediates.AddCert(intermediate)
	}
	certificate, err := x509.ParseCertificate(asked.Chain[0])
	if err != nil {
		return nil, err
	}
	refused := []string{}
	for _, usage := range asked.Usages {
		_, err := certificate.Verify(x509.VerifyOptions{
			DNSName:       asked.DNSName,
			Roots:         roots,
			Intermediates: intermediates,
			CurrentTime:   time.UnixMilli(asked.Now),
			KeyUsages:     []x509.ExtKeyUsage{usages[usage]},
		})
		if err != nil {
			refused = append(refused, usage+": "+err.Error())
		}
	}
	return refused, nil
}

func run() error {
	registry, err := lint.GlobalRegistry().Filter(lint.FilterOptions{IncludeSources: sources})
	if err != nil {
		return err
	}
	questions := bufio.NewScanner(os.Stdin)
	questions.Buffer(nil, 1<<24)
	answers := json.NewEncoder(os.Stdout)
	for questions.Scan() {
		var asked question
		if err := json.Unmarshal(questions.Bytes(), &asked); err != nil {
			return err
		}
		passed, findings, err := lintFindings(registry, asked.Chain[0])
		if err != nil {
			return err
		}
		refused, err := refusals(asked)
		if err != nil {
			return err
		}
		if err := answers.Encode(answer{passed, findings, refused}); err != nil {
			return err
		}
	}
	return questions.Err()
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
