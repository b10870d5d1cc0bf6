// What crane, ko and kaniko send to a registry: go-containerregistry's keychain.
// The registry or repository is the only argument; one line of JSON is the answer.
package main

import (
	"encoding/json"
	"os"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

type answer struct {
	Asked    *string `json:"asked"`
	With     *string `json:"with"`
	Username *string `json:"username"`
	Secret   *string `json:"secret"`
	Token    *string `json:"token"`
	Error    *string `json:"error"`
}

func text(value string) *string {
	if value == "" {
		return nil
	}
	return &value
}

func target(asked string) (authn.Resource, error) {
	if strings.Contains(asked, "/") {
		return name.NewRepository(asked)
	}
	return name.NewRegistry(asked)
}

func resolve(asked string) (*authn.AuthConfig, error) {
	resource, err := target(asked)
	if err != nil {
		return nil, err
	}
	found, err := authn.DefaultKeychain.Resolve(resource)
	if err != nil {
		return nil, err
	}
	return found.Authorization()
}

func main() {
	given := answer{}
	found, err := resolve(os.Args[1])
	if err != nil {
		given.Error = text(err.Error())
	} else {
		given.Username = text(found.Username)
		given.Secret = text(found.Password)
		given.Token = text(found.IdentityToken)
		if found.RegistryToken != "" {
			given.Token = text(found.RegistryToken)
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(given); err != nil {
		os.Exit(1)
	}
}
