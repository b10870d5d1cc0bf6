// What crane, ko and kaniko send to a registry: go-containerregistry's keychain.
package main

import (
	"strings"

	"dockcred.test/frame"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

func target(asked string) (authn.Resource, error) {
	if strings.Contains(asked, "/") {
		return name.NewRepository(asked)
	}
	return name.NewRegistry(asked)
}

func ask(asked string) (frame.Answer, error) {
	resource, err := target(asked)
	if err != nil {
		return frame.Answer{}, err
	}
	keychain, err := authn.DefaultKeychain.Resolve(resource)
	if err != nil {
		return frame.Answer{}, err
	}
	found, err := keychain.Authorization()
	if err != nil {
		return frame.Answer{}, err
	}
	return frame.Answer{
		Username: frame.Text(found.Username),
		Secret:   frame.Text(found.Password),
		Token:    frame.Text(found.IdentityToken),
		Bearer:   frame.Text(found.RegistryToken),
	}, nil
}

func main() { frame.Main(ask) }
