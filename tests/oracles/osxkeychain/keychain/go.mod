module github.com/keybase/go-keychain

go 1.21
