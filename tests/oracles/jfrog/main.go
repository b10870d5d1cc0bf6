// JFrog's own client exchanges a job's token, and reads a user from what it gets.
//
// A question a line from stdin: `url` is the platform's with a slash at its end, the rest
// are CreateOidcTokenParams by their JSON names. The answer has username, secret, expires
// and error; `subject`, alone in a question, is a token whose user is asked for.
package main

import (
	"bufio"
	"encoding/json"
	"os"

	"dockcred.test/frame"
	"github.com/jfrog/jfrog-client-go/access"
	accessauth "github.com/jfrog/jfrog-client-go/access/auth"
	"github.com/jfrog/jfrog-client-go/access/services"
	"github.com/jfrog/jfrog-client-go/auth"
	"github.com/jfrog/jfrog-client-go/config"
	"github.com/jfrog/jfrog-client-go/utils/log"
)

type question struct {
	services.CreateOidcTokenParams
	URL     string `json:"url"`
	Subject string `json:"subject"`
}

type answer struct {
	frame.Answer
	Expires *uint `json:"expires"`
}

func exchange(asked question) (given answer, err error) {
	details := accessauth.NewAccessDetails()
	details.SetUrl(asked.URL)
	made, err := config.NewConfigBuilder().SetServiceDetails(details).SetHttpRetries(0).Build()
	if err != nil {
		return given, err
	}
	manager, err := access.New(made)
	if err != nil {
		return given, err
	}
	response, err := manager.ExchangeOidcToken(asked.CreateOidcTokenParams)
	if err != nil {
		return given, err
	}
	user := response.Username
	if user == "" {
		user = auth.ExtractUsernameFromAccessToken(response.AccessToken)
	}
	given.Username = frame.Text(user)
	given.Secret = frame.Text(response.AccessToken)
	given.Expires = response.ExpiresIn
	return given, nil
}

func main() {
	log.SetLogger(log.NewLogger(log.ERROR, os.Stderr))
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var asked question
		var given answer
		err := json.Unmarshal(lines.Bytes(), &asked)
		if err == nil && asked.Subject != "" {
			given.Username = frame.Text(auth.ExtractUsernameFromAccessToken(asked.Subject))
		} else if err == nil {
			given, err = exchange(asked)
		}
		if err != nil {
			given.Error = frame.Text(err.Error())
		}
		frame.Print(given)
	}
}
