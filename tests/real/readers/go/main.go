// What Go programs read in the files that we render.
//
//	contrast FILE IMAGE   pull by Contrast's rules: go-toml v2, the longest host by its
//	                      labels, the rest by go-containerregistry; prints the digest
//	match FILE HOST       whose table Contrast takes for a host; nothing for none,
//	                      all of which it may take any
//	parse FILE            what go-toml v2 makes of the file's registries, as JSON
//	docker SERVER         user and password by docker's own code, which reads
//	                      DOCKER_AUTH_CONFIG before its files
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/docker/cli/cli/config"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/pelletier/go-toml/v2"
)

// A registry's table; keys that are not here are passed over without a word.
type registry struct {
	CACerts            string `toml:"ca-certs"`
	InsecureSkipVerify bool   `toml:"insecure-skip-verify"`
	Mirror             string `toml:"mirror"`
	authn.AuthConfig
}

type file struct {
	ExtraEnv   map[string]string   `toml:"extra-env"`
	Registries map[string]registry `toml:"registries"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(words []string) error {
	switch {
	case len(words) == 3 && words[0] == "contrast":
		return pull(words[1], words[2])
	case len(words) == 3 && words[0] == "match":
		found, err := read(words[1])
		fmt.Print(match(found, words[2]))
		return err
	case len(words) == 2 && words[0] == "parse":
		return parse(words[1])
	case len(words) == 2 && words[0] == "docker":
		return docker(words[1])
	}
	return fmt.Errorf("usage: reader contrast FILE IMAGE | match FILE HOST | parse FILE | docker SERVER")
}

func read(path string) (file, error) {
	var found file
	text, err := os.ReadFile(path)
	if err != nil {
		return found, err
	}
	return found, toml.Unmarshal(text, &found)
}

func parse(path string) error {
	found, err := read(path)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(found)
}

func pull(path, image string) error {
	found, err := read(path)
	if err != nil {
		return err
	}
	reference, err := name.ParseReference(image)
	if err != nil {
		return err
	}
	who := authn.Anonymous
	if at, ok := found.Registries[match(found, reference.Context().RegistryStr())]; ok {
		who = authn.FromConfig(at.AuthConfig)
	}
	pulled, err := remote.Image(reference, remote.WithAuth(who))
	if err != nil {
		return err
	}
	digest, err := pulled.Digest()
	if err != nil {
		return err
	}
	fmt.Print(digest)
	return nil
}

// match names the tables of which Contrast takes one for a host: most labels in common,
// counted from the right. Of several it takes the one that its map yields first.
func match(found file, host string) string {
	var best []string
	most := 0
	for key := range found.Registries {
		labels := strings.Split(strings.TrimSuffix(key, "."), ".")
		if len(labels) < most || !covers(labels, strings.Split(host, ".")) {
			continue
		}
		if len(labels) > most {
			best, most = nil, len(labels)
		}
		best = append(best, key)
	}
	slices.Sort(best)
	return strings.Join(best, " ")
}

func covers(labels, host []string) bool {
	if len(labels) > len(host) {
		return false
	}
	tail := host[len(host)-len(labels):]
	for i, label := range labels {
		if label != tail[i] && (label != "" || i != 0) {
			return false
		}
	}
	return true
}

func docker(server string) error {
	found, err := config.LoadDefaultConfigFile(os.Stderr).GetAuthConfig(server)
	if err != nil {
		return err
	}
	fmt.Printf("%s:%s", found.Username, found.Password)
	return nil
}
