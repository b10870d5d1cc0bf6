// What buildx gives the builder for a registry: its own rule over docker's config.json,
// files of its own below $BUILDX_CONFIG, and Docker Hub's login for what the Hub backs.
// The registry, or one repository in it, is the only argument, with @ and the actions
// where it is more than a pull; one line of JSON is the answer.
package main

import (
	"context"
	"io"
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

func main() { frame.Main(ask) }

func ask(asked string) (frame.Answer, error) {
	asked, actions, more := strings.Cut(asked, "@")
	if !more {
		actions = "pull"
	}
	if !strings.Contains(asked, "/") {
		asked += "/repository"
	}
	named, err := reference.ParseNormalizedNamed(asked)
	if err != nil {
		return frame.Answer{}, err
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
	}, err
}
