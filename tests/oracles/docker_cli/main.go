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

	"dockcred.test/frame"
	"github.com/distribution/reference"
	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/configfile"
	"github.com/docker/cli/cli/config/types"
	"github.com/docker/docker/registry"
	"github.com/sirupsen/logrus"
)

const (
	hub   = "https://index.docker.io/v1/"
	times = 64
)

// The form that all oracles share, and besides what docker alone has.
type answer struct {
	frame.Answer
	Identity *string  `json:"identitytoken"`
	Warning  *string  `json:"warning"`
	Variable *string  `json:"variable"`
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
	said, answers := variable(key)
	first := ask(key, answers)
	first.Variable = frame.Text(said)
	seen := []string{text(first)}
	// A helper answers alike each time, and is not asked for nothing.
	for i := 0; i < times && first.Asked == nil; i++ {
		if other := ask(key, answers); !contains(seen, text(other)) {
			seen = append(seen, text(other))
			first.Others = append(first.Others, other)
		}
	}
	frame.Print(first)
}

// variable returns what docker says of DOCKER_AUTH_CONFIG, and whether that answers: it
// is asked beside a file that has nothing.
func variable(key string) (string, bool) {
	read, write, err := os.Pipe()
	if err != nil {
		log.Fatal(err)
	}
	before := os.Stderr
	os.Stderr = write
	login, _ := configfile.New("").GetAuthConfig(key)
	os.Stderr = before
	write.Close()
	said, _ := io.ReadAll(read)
	if os.Stderr, err = os.Open(os.DevNull); err != nil {
		log.Fatal(err)
	}
	return strings.TrimSpace(string(said)), login != types.AuthConfig{}
}

func ask(key string, answered bool) answer {
	var found answer
	var warned bytes.Buffer
	file := config.LoadDefaultConfigFile(&warned)
	found.Warning = frame.Text(strings.TrimSpace(warned.String()))
	helper, named := file.CredentialHelpers[key]
	if !named {
		helper = file.CredentialsStore
	}
	if helper != "" && !answered {
		found.Asked, found.With = frame.Text("docker-credential-"+helper), frame.Text(key)
	}
	login, err := file.GetAuthConfig(key)
	if err != nil {
		found.Error = frame.Text(err.Error())
	}
	found.Username, found.Secret = frame.Text(login.Username), frame.Text(login.Password)
	found.Identity, found.Token = frame.Text(login.IdentityToken), frame.Text(login.RegistryToken)
	return found
}

func text(found answer) string {
	// Which of two faults is told first is chance, too, and is no other answer.
	found.Warning, found.Variable = nil, nil
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
