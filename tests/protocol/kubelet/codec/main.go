// Kubelet's side of the exec plugin: its API types and codecs, and its own code that
// reads the configuration, runs plugins and keeps what they answer.
//
//	encode VERSION     internal request as JSON in, the bytes kubelet sends out
//	decode VERSION     a plugin's bytes in, decoded strictly, encoded again
//	check CONFIG BIN   validate a CredentialProviderConfig as kubelet does at start
//	pull CONFIG BIN    a pod and its images as JSON in, credentials per image out
//	secret IMAGE       a Secret as JSON in, the credential for an image out
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/kubelet/pkg/apis/credentialprovider"
	"k8s.io/kubelet/pkg/apis/credentialprovider/install"
	provider "k8s.io/kubernetes/pkg/credentialprovider"
	"k8s.io/kubernetes/pkg/credentialprovider/plugin"
	"k8s.io/kubernetes/pkg/credentialprovider/secrets"
)

type pod struct {
	Images      []string          `json:"images"`
	Namespace   string            `json:"namespace"`
	Account     string            `json:"account"`
	UID         string            `json:"uid"`
	Annotations map[string]string `json:"annotations"`
	Token       string            `json:"token"`
}

type credential struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

func main() {
	output, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Stdout.Write(output)
}

func run(arguments []string) ([]byte, error) {
	switch arguments[0] {
	case "encode":
		return encode(arguments[1])
	case "decode":
		return decode(arguments[1])
	case "check":
		return nil, register(arguments[1], arguments[2], pod{})
	case "pull":
		var p pod
		if err := json.NewDecoder(os.Stdin).Decode(&p); err != nil {
			return nil, err
		}
		if err := register(arguments[1], arguments[2], p); err != nil {
			return nil, err
		}
		return json.Marshal(pull(p))
	case "secret":
		return secret(arguments[1])
	}
	return nil, fmt.Errorf("unknown command %q", arguments[0])
}

func codec(version string) (runtime.Codec, error) {
	scheme := runtime.NewScheme()
	install.Install(scheme)
	codecs := serializer.NewCodecFactory(scheme, serializer.EnableStrict)
	info, ok := runtime.SerializerInfoForMediaType(codecs.SupportedMediaTypes(), "application/json")
	if !ok {
		return nil, fmt.Errorf("no JSON")
	}
	gv := schema.GroupVersion{Group: credentialprovider.GroupName, Version: version}
	return codecs.CodecForVersions(info.Serializer, codecs.UniversalDecoder(), gv, runtime.InternalGroupVersioner), nil
}

func encode(version string) ([]byte, error) {
	var request credentialprovider.CredentialProviderRequest
	if err := json.NewDecoder(os.Stdin).Decode(&request); err != nil {
		return nil, err
	}
	c, err := codec(version)
	if err != nil {
		return nil, err
	}
	return runtime.Encode(c, &request)
}

func decode(version string) ([]byte, error) {
	data, err := io.ReadAll(os.Stdin)
	if err != nil {
		return nil, err
	}
	c, err := codec(version)
	if err != nil {
		return nil, err
	}
	object, gvk, err := c.Decode(data, nil, nil)
	if err != nil {
		return nil, err
	}
	if gvk.Kind != "CredentialProviderResponse" || gvk.Version != version {
		return nil, fmt.Errorf("it is a %v", gvk)
	}
	return runtime.Encode(c, object)
}

func register(config, bin string, p pod) error {
	token := func(_, _ string, request *authenticationv1.TokenRequest) (*authenticationv1.TokenRequest, error) {
		request.Status.Token = p.Token
		return request, nil
	}
	account := func(namespace, name string) (*corev1.ServiceAccount, error) {
		return &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: name, UID: types.UID(p.UID), Annotations: p.Annotations,
		}}, nil
	}
	return plugin.RegisterCredentialProviderPlugins(config, bin, token, account)
}

// pull looks all images up at once, each as a container of its own would.
func pull(p pod) []credential {
	found := make([]credential, len(p.Images))
	var group sync.WaitGroup
	for number, image := range p.Images {
		group.Go(func() {
			keyring := plugin.NewExternalCredentialProviderDockerKeyring(p.Namespace, "pod", "pod-uid", p.Account)
			if matches, ok := keyring.Lookup(image); ok {
				found[number] = credential{matches[0].Username, matches[0].Password}
			}
		})
	}
	group.Wait()
	return found
}

// secret looks an image up in an imagePullSecret.
func secret(image string) ([]byte, error) {
	var found corev1.Secret
	if err := json.NewDecoder(os.Stdin).Decode(&found); err != nil {
		return nil, err
	}
	keyring, err := secrets.MakeDockerKeyring([]corev1.Secret{found}, provider.UnionDockerKeyring{})
	if err != nil {
		return nil, err
	}
	matches, ok := keyring.Lookup(image)
	if !ok {
		return nil, fmt.Errorf("anonymous")
	}
	return json.Marshal(credential{matches[0].Username, matches[0].Password})
}
