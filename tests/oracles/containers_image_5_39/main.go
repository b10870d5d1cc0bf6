// What podman 5, skopeo and buildah send to a registry: containers/image 5.39.
package main

import (
	"os"

	"dockcred.test/frame"
	"go.podman.io/image/v5/pkg/docker/config"
	"go.podman.io/image/v5/types"
)

func ask(name string) (frame.Answer, error) {
	// Podman, skopeo and buildah read REGISTRY_AUTH_FILE themselves, and hand it on.
	context := &types.SystemContext{AuthFilePath: os.Getenv("REGISTRY_AUTH_FILE")}
	// For tests: another place of the system's own files.
	context.RootForImplicitAbsolutePaths = os.Getenv("ORACLE_ROOT")
	// The programs read this one themselves too; since 5.42 the library does.
	context.SystemRegistriesConfPath = os.Getenv("CONTAINERS_REGISTRIES_CONF")
	found, err := config.GetCredentials(context, name)
	return frame.Answer{
		Username: frame.Text(found.Username),
		Secret:   frame.Text(found.Password),
		Token:    frame.Text(found.IdentityToken),
	}, err
}

func main() { frame.Main(ask) }
