// What helm sends to a registry: its registry client, with the stores that it opens.
package main

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"

	"dockcred.test/frame"
	"helm.sh/helm/v4/pkg/registry"
)

// What the registry's token server gives, and no file has.
const granted = "granted-by-the-oracle"

// A registry that asks for a token, and keeps what the client says for it.
type wire struct{ given frame.Answer }

func (w *wire) RoundTrip(request *http.Request) (*http.Response, error) {
	answered := &http.Response{
		StatusCode: http.StatusOK,
		Header:     http.Header{},
		Body:       io.NopCloser(strings.NewReader("{}")),
		Request:    request,
	}
	switch {
	case request.URL.Host == "tokens.test":
		w.keep(request)
		answered.Body = io.NopCloser(strings.NewReader(`{"access_token":"` + granted + `","token":"` + granted + `"}`))
		answered.Header.Set("Content-Type", "application/json")
	case request.Header.Get("Authorization") == "":
		answered.StatusCode = http.StatusUnauthorized
		answered.Header.Set("WWW-Authenticate", `Bearer realm="https://tokens.test/token",service="s"`)
	default:
		w.keepBearer(request)
		answered.Body = io.NopCloser(strings.NewReader(`{"name":"x","tags":["1.0.0"]}`))
	}
	return answered, nil
}

func (w *wire) keep(request *http.Request) {
	if user, password, ok := request.BasicAuth(); ok {
		w.given.Username, w.given.Secret = frame.Text(user), frame.Text(password)
		return
	}
	if request.Body == nil {
		return
	}
	body, _ := io.ReadAll(request.Body)
	form, _ := url.ParseQuery(string(body))
	w.given.Token = frame.Text(form.Get("refresh_token"))
	if form.Get("grant_type") == "password" {
		w.given.Username, w.given.Secret = frame.Text(form.Get("username")), frame.Text(form.Get("password"))
	}
}

func (w *wire) keepBearer(request *http.Request) {
	sent := request.Header.Get("Authorization")
	if bearer, ok := strings.CutPrefix(sent, "Bearer "); ok && bearer != granted {
		w.given.Bearer = frame.Text(bearer)
	}
	if basic, ok := strings.CutPrefix(sent, "Basic "); ok {
		plain, _ := base64.StdEncoding.DecodeString(basic)
		user, password, _ := strings.Cut(string(plain), ":")
		w.given.Username, w.given.Secret = frame.Text(user), frame.Text(password)
	}
}

func ask(asked string) (frame.Answer, error) {
	seen := &wire{}
	options := []registry.ClientOption{
		registry.ClientOptHTTPClient(&http.Client{Transport: seen}),
		registry.ClientOptWriter(io.Discard),
	}
	if named := os.Getenv("HELM_REGISTRY_CONFIG"); named != "" {
		options = append(options, registry.ClientOptCredentialsFile(named))
	}
	client, err := registry.NewClient(options...)
	if err == nil {
		if !strings.Contains(asked, "/") {
			asked += "/charts/x"
		}
		_, err = client.Tags(asked)
	}
	if seen.given != (frame.Answer{}) {
		// What it has said counts, whatever it makes of the registry's answer.
		return seen.given, nil
	}
	return seen.given, err
}

func main() { frame.Main(ask) }
