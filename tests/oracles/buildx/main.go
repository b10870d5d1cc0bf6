// What buildx gives the builder for a registry: its own rule over docker's config.json,
// files of its own below $BUILDX_CONFIG, and Docker Hub's login for what the Hub backs.
// The registry, or one repository in it, is the only argument, with @ and the actions
// where it is more than a pull; one line of JSON is the answer.
//
// Beside it stands what the docker of which buildx is made gives for the registry and for
// Docker Hub. It reads `auths` in the order of a Go map, which is another each time: these
// are the answers that it gave when it was asked again and again.
package main

import (
	"context"
	"io"
	"os"
	"slices"
	"strings"

	"dockcred.test/frame"
	"github.com/distribution/reference"
	"github.com/docker/buildx/util/dockerutil/dockerconfig"
	"github.com/docker/cli/cli/command"
	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/configfile"
	"github.com/moby/buildkit/session/auth/authprovider"
)

// shell is as much of docker's command line as buildx asks for logins.
type shell struct {
	command.Cli
	file *configfile.ConfigFile
}

func (s shell) ConfigFile() *configfile.ConfigFile { return s.file }

// The form that all oracles share, and besides what docker alone gives.
type answer struct {
	frame.Answer
	Docker []login `json:"docker"`
	Hub    []login `json:"hub"`
}

// Key is the one of `auths` whose entry was found; without one buildx asks the Hub.
type login struct {
	Username string `json:"username"`
	Secret   string `json:"secret"`
	Token    string `json:"token"`
	Bearer   string `json:"bearer"`
	Key      string `json:"key"`
	Error    string `json:"error"`
}

const times = 64

func main() {
	if len(os.Args) != 2 {
		os.Exit(2)
	}
	given, host, err := ask(os.Args[1])
	if err != nil {
		given.Error = frame.Text(err.Error())
	}
	frame.Print(answer{given, docker(host), docker(authprovider.DockerHubRegistryHost)})
}

// docker returns what GetAuthConfig gives for a host, each other answer once. A helper
// answers alike each time.
func docker(host string) []login {
	if host == authprovider.DockerHubRegistryHost {
		host = authprovider.DockerHubConfigfileKey
	}
	found := []login{}
	for range times {
		file := config.LoadDefaultConfigFile(io.Discard)
		given, err := file.GetAuthConfig(host)
		one := login{
			given.Username, given.Password, given.IdentityToken, given.RegistryToken,
			given.ServerAddress, "",
		}
		if err != nil {
			one.Error = err.Error()
		}
		if !slices.Contains(found, one) {
			found = append(found, one)
		}
		if file.CredentialsStore != "" || file.CredentialHelpers[host] != "" {
			break
		}
	}
	return found
}

// ask returns what buildx gives, and the host that it takes the registry for.
func ask(asked string) (frame.Answer, string, error) {
	asked, actions, more := strings.Cut(asked, "@")
	if !more {
		actions = "pull"
	}
	if !strings.Contains(asked, "/") {
		asked += "/repository"
	}
	named, err := reference.ParseNormalizedNamed(asked)
	if err != nil {
		return frame.Answer{}, "", err
	}
	host := reference.Domain(named)
	if host == "docker.io" {
		host = authprovider.DockerHubRegistryHost
	}
	scope := "repository:" + reference.Path(named) + ":" + actions
	load := dockerconfig.LoadAuthConfig(shell{file: config.LoadDefaultConfigFile(io.Discard)})
	found, err := load(context.Background(), host, []string{scope}, nil)
	return frame.Answer{
		Username: frame.Text(found.Username),
		Secret:   frame.Text(found.Password),
		Token:    frame.Text(found.IdentityToken),
		Bearer:   frame.Text(found.RegistryToken),
	}, host, err
}
