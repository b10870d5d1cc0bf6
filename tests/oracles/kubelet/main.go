// What Kubernetes does with a pull Secret, by its own code: whether the API server takes
// it (decoding, defaults and validation), and what kubelet sends for an image.
//
//	kubelet IMAGE    $HOME/secret.json holds the Secret; one line of JSON answers
//	kubelet -        on stdin {"secret": {…}, "image": "…"} a line; each is answered;
//	                 "yaml": "…" in place of the Secret is one as kubectl reads a file
package main

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"

	"dockcred.test/frame"
	v1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	"k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/kubernetes/pkg/credentialprovider"
	"k8s.io/kubernetes/pkg/credentialprovider/secrets"
	"sigs.k8s.io/yaml"
)

type login struct {
	Username string `json:"username"`
	Secret   string `json:"secret"`
}

// The form that all oracles share, and besides: `refused` is what the API server says,
// `logins` everything that kubelet tries, in its order.
type answer struct {
	frame.Answer
	Refused *string `json:"refused"`
	Logins  []login `json:"logins"`
}

// What the API server makes of a manifest: a Secret as it is stored, or its refusal.
func store(manifest []byte) (*v1.Secret, error) {
	found, _, err := legacyscheme.Codecs.UniversalDecoder().Decode(manifest, nil, nil)
	if err != nil {
		return nil, err
	}
	secret := found.(*core.Secret)
	if secret.Namespace == "" {
		secret.Namespace = "default"
	}
	if secret.Name == "" && secret.GenerateName != "" {
		secret.Name = secret.GenerateName + "abcde"
	}
	if err := validation.ValidateSecret(secret).ToAggregate(); err != nil {
		return nil, err
	}
	stored := &v1.Secret{}
	return stored, legacyscheme.Scheme.Convert(secret, stored, nil)
}

func ask(manifest []byte, image string) answer {
	told := answer{}
	secret, err := store(manifest)
	if err != nil {
		told.Refused = frame.Text(err.Error())
		return told
	}
	keyring, err := secrets.MakeDockerKeyring([]v1.Secret{*secret}, &credentialprovider.BasicDockerKeyring{})
	if err != nil {
		told.Error = frame.Text(err.Error())
		return told
	}
	found, _ := keyring.Lookup(image)
	for _, each := range found {
		told.Logins = append(told.Logins, login{each.Username, each.Password})
	}
	if len(found) > 0 {
		told.Username, told.Secret = frame.Text(found[0].Username), frame.Text(found[0].Password)
	}
	return told
}

func failed(why string) answer {
	return answer{Answer: frame.Answer{Error: frame.Text(why)}}
}

func versions() map[string]string {
	found := map[string]string{}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, part := range info.Deps {
			if part.Path == "k8s.io/kubernetes" {
				found[part.Path] = part.Version
			}
		}
	}
	return found
}

func main() {
	klog.SetLogger(klog.Logger{})
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	if len(os.Args) != 2 {
		os.Exit(2)
	}
	if os.Args[1] == "--versions" {
		frame.Print(versions())
		return
	}
	if os.Args[1] != "-" {
		home, _ := os.UserHomeDir()
		manifest, err := os.ReadFile(filepath.Join(home, "secret.json"))
		if err != nil {
			frame.Print(failed(err.Error()))
			return
		}
		frame.Print(ask(manifest, os.Args[1]))
		return
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64*1024*1024)
	for lines.Scan() {
		var asked struct {
			Secret json.RawMessage
			Image  string
			YAML   *string
		}
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			frame.Print(failed("no question: " + err.Error()))
			continue
		}
		if asked.YAML != nil {
			read, err := yaml.YAMLToJSON([]byte(*asked.YAML))
			if err != nil {
				frame.Print(answer{Refused: frame.Text(err.Error())})
				continue
			}
			asked.Secret = read
		}
		frame.Print(ask(asked.Secret, asked.Image))
	}
}
