// What podman 6, skopeo and buildah send to a registry: containers/image 5.42.
// The registry or repository is the only argument; one line of JSON is the answer.
package main

import (
	"encoding/json"
	"os"

	"go.podman.io/image/v5/pkg/docker/config"
	"go.podman.io/image/v5/types"
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

func main() {
	// Podman, skopeo and buildah read REGISTRY_AUTH_FILE themselves, and hand it on.
	context := &types.SystemContext{AuthFilePath: os.Getenv("REGISTRY_AUTH_FILE")}
	// For tests: another place of the system's own files.
	context.RootForImplicitAbsolutePaths = os.Getenv("ORACLE_ROOT")
	found, err := config.GetCredentials(context, os.Args[1])
	given := answer{
		Username: text(found.Username),
		Secret:   text(found.Password),
		Token:    text(found.IdentityToken),
	}
	if err != nil {
		given.Error = text(err.Error())
	}
	if err := json.NewEncoder(os.Stdout).Encode(given); err != nil {
		os.Exit(1)
	}
}
