// What oras sends to a registry: oras-go's store of docker's file.
package main

import (
	"context"
	"strings"

	"dockcred.test/frame"
	"oras.land/oras-go/v2/registry/remote/credentials"
)

func ask(name string) (frame.Answer, error) {
	registry, _, _ := strings.Cut(name, "/")
	store, err := credentials.NewStoreFromDocker(credentials.StoreOptions{})
	if err != nil {
		return frame.Answer{}, err
	}
	host := credentials.ServerAddressFromRegistry(registry)
	found, err := credentials.Credential(store)(context.Background(), host)
	return frame.Answer{
		Username: frame.Text(found.Username),
		Secret:   frame.Text(found.Password),
		Token:    frame.Text(found.RefreshToken),
		Bearer:   frame.Text(found.AccessToken),
	}, err
}

func main() { frame.Main(ask) }
