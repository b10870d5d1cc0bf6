// Answers with what `docker pull` would send to a registry: docker/cli's own reading of
// config.json, and dockerd's own name of the index.
//
// docker reads `auths` in the order of a Go map, which is another each time: `others` are
// the answers that it gave besides the first one when it was asked again.
package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log"
	"os"
	"strings"

	"github.com/distribution/reference"
	"github.com/docker/cli/cli/config"
	"github.com/docker/docker/registry"
	"github.com/sirupsen/logrus"
)

const (
	hub   = "https://index.docker.io/v1/"
	times = 64
)

type answer struct {
	Asked    *string  `json:"asked"`
	With     *string  `json:"with"`
	Username *string  `json:"username"`
	Secret   *string  `json:"secret"`
	Identity *string  `json:"identitytoken"`
	Token    *string  `json:"token"`
	Error    *string  `json:"error"`
	Warning  *string  `json:"warning"`
	Others   []answer `json:"others,omitempty"`
}

func main() {
	logrus.SetOutput(io.Discard)
	name := os.Args[1]
	if !strings.Contains(name, "/") {
		name += "/repository"
	}
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		log.Fatal(err)
	}
	index, err := registry.ParseSearchIndexInfo(reference.Domain(named) + "/x")
	if err != nil {
		log.Fatal(err)
	}
	key := index.Name
	if index.Official {
		key = hub
	}
	first := ask(key)
	seen := []string{text(first)}
	// A helper answers alike each time, and is not asked for nothing.
	for i := 0; i < times && first.Asked == nil; i++ {
		if other := ask(key); !contains(seen, text(other)) {
			seen = append(seen, text(other))
			first.Others = append(first.Others, other)
		}
	}
	json.NewEncoder(os.Stdout).Encode(first)
}

func ask(key string) answer {
	var found answer
	var warned bytes.Buffer
	file := config.LoadDefaultConfigFile(&warned)
	found.Warning = some(strings.TrimSpace(warned.String()))
	helper, named := file.CredentialHelpers[key]
	if !named {
		helper = file.CredentialsStore
	}
	if helper != "" {
		found.Asked, found.With = some("docker-credential-"+helper), some(key)
	}
	login, err := file.GetAuthConfig(key)
	if err != nil {
		found.Error = some(err.Error())
	}
	found.Username, found.Secret = some(login.Username), some(login.Password)
	found.Identity, found.Token = some(login.IdentityToken), some(login.RegistryToken)
	return found
}

func some(value string) *string {
	if value == "" {
		return nil
	}
	return &value
}

func text(found answer) string {
	// Which of two faults is told first is chance, too, and is no other answer.
	found.Warning = nil
	written, _ := json.Marshal(found)
	return string(written)
}

func contains(seen []string, one string) bool {
	for _, other := range seen {
		if other == one {
			return true
		}
	}
	return false
}
