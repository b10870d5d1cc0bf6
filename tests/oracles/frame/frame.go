// Package frame is what the programs around clients' libraries have in common: the
// registry or repository is the only argument, and one line of JSON is the answer.
package frame

import (
	"encoding/json"
	"os"
)

// Answer is whom a client asks for a registry, and what it sends. What does not apply is
// null. Token is an identity token; Bearer is sent to the registry as it is.
type Answer struct {
	Asked    *string `json:"asked"`
	With     *string `json:"with"`
	Username *string `json:"username"`
	Secret   *string `json:"secret"`
	Token    *string `json:"token"`
	Bearer   *string `json:"bearer"`
	Error    *string `json:"error"`
}

// Text is a value of an answer; nothing is null.
func Text(value string) *string {
	if value == "" {
		return nil
	}
	return &value
}

// Print writes an answer, or one that has more than it, in one line.
func Print(answer any) {
	if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
		os.Exit(1)
	}
}

// Main prints the answer for the registry in the argument; an error is in it too.
func Main(ask func(name string) (Answer, error)) {
	if len(os.Args) != 2 {
		os.Exit(2)
	}
	given, err := ask(os.Args[1])
	if err != nil {
		given.Error = Text(err.Error())
	}
	Print(given)
}
