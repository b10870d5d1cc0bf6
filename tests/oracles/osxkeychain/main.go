// docker's own helper for macOS's keychain, over a keychain that the tests hold. A question
// is a verb of helpers with what they read on stdin; calls of the keychain are asked back.
package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"

	"github.com/docker/docker-credential-helpers/credentials"
	"github.com/docker/docker-credential-helpers/osxkeychain"
	"github.com/keybase/go-keychain"
)

func main() {
	for {
		var question struct{ Verb, Text string }
		if keychain.Lines.Decode(&question) != nil {
			return
		}
		var out bytes.Buffer
		helper := osxkeychain.Osxkeychain{}
		answer := map[string]string{"error": ""}
		in := strings.NewReader(question.Text)
		if err := credentials.HandleCommand(helper, question.Verb, in, &out); err != nil {
			answer["error"] = err.Error()
		}
		answer["answer"] = out.String()
		if json.NewEncoder(os.Stdout).Encode(answer) != nil {
			os.Exit(1)
		}
	}
}
