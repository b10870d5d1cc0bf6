// docker's own helper for macOS's keychain.
module dockcred.test/osxkeychain

go 1.26.0

require (
	github.com/docker/docker-credential-helpers v0.9.13
	github.com/keybase/go-keychain v0.0.1
)

replace github.com/keybase/go-keychain => ./keychain
