// What oras sends to a registry: oras-go's store of docker's file.
// The registry is the only argument; one line of JSON is the answer.
package main

import (
	"context"
	"encoding/json"
	"os"

	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
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

func resolve(registry string) (auth.Credential, error) {
	store, err := credentials.NewStoreFromDocker(credentials.StoreOptions{})
	if err != nil {
		return auth.EmptyCredential, err
	}
	host := credentials.ServerAddressFromRegistry(registry)
	return credentials.Credential(store)(context.Background(), host)
}

func main() {
	found, err := resolve(os.Args[1])
	given := answer{
		Username: text(found.Username),
		Secret:   text(found.Password),
		Token:    text(found.RefreshToken + found.AccessToken),
	}
	if err != nil {
		given.Error = text(err.Error())
	}
	if err := json.NewEncoder(os.Stdout).Encode(given); err != nil {
		os.Exit(1)
	}
}
