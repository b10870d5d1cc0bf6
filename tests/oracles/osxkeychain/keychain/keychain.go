// Package keychain stands in for the binding of that name to macOS's Security framework:
// each call is a line of JSON on stdout, and what the framework answers is the next line
// on stdin. Who started the program is the keychain.
package keychain

import (
	"encoding/json"
	"fmt"
	"os"
)

// Lines is where the framework's answers are read from.
var Lines = json.NewDecoder(os.Stdin)

// Item is a query, or an item to be added: its attributes by Apple's names.
type Item struct {
	Attributes map[string]any
	Data       []byte
	all        bool
}

// QueryResult is one item that was found.
type QueryResult struct {
	Server, Protocol, Path, Account, Label string
	Port                                   int32
	Data                                   []byte
}

// SecClassInternetPassword and its kin are the words of a query.
const (
	SecClassInternetPassword = "kSecClassInternetPassword"
	MatchLimitOne            = false
	MatchLimitAll            = true
)

// NewItem has no attributes.
func NewItem() Item { return Item{Attributes: map[string]any{}} }

// As in the binding, nothing and zero are not named in a query.
func (item *Item) set(name, value string) {
	if value != "" {
		item.Attributes[name] = value
	}
}

// SetSecClass is the class of an item.
func (item *Item) SetSecClass(class string) { item.set("kSecClass", class) }

// SetLabel is the name that people see.
func (item *Item) SetLabel(label string) { item.set("kSecAttrLabel", label) }

// SetAccount is the user.
func (item *Item) SetAccount(account string) { item.set("kSecAttrAccount", account) }

// SetAuthenticationType is a part of what makes an item the only one.
func (item *Item) SetAuthenticationType(kind string) {
	item.set("kSecAttrAuthenticationType", kind)
}

// SetProtocol is a code of four letters.
func (item *Item) SetProtocol(code string) { item.set("kSecAttrProtocol", code) }

// SetServer is a host.
func (item *Item) SetServer(host string) { item.set("kSecAttrServer", host) }

// SetPath is the path of a URL.
func (item *Item) SetPath(path string) { item.set("kSecAttrPath", path) }

// SetPort is a number.
func (item *Item) SetPort(port int32) {
	if port != 0 {
		item.Attributes["kSecAttrPort"] = port
	}
}

// SetData is the secret.
func (item *Item) SetData(data []byte) { item.Data = data }

// SetMatchLimit says how many are wanted.
func (item *Item) SetMatchLimit(all bool) { item.all = all }

// SetReturnAttributes changes nothing: they are always returned.
func (item *Item) SetReturnAttributes(bool) {}

// SetReturnData changes nothing: it is always returned.
func (item *Item) SetReturnData(bool) {}

func ask(call string, item Item) ([]QueryResult, error) {
	question := map[string]any{"call": call, "attributes": item.Attributes}
	if item.Data != nil {
		question["secret"] = item.Data
	}
	if err := json.NewEncoder(os.Stdout).Encode(question); err != nil {
		return nil, err
	}
	var answer struct {
		Status int
		Found  []QueryResult
	}
	if err := Lines.Decode(&answer); err != nil {
		return nil, err
	}
	if answer.Status == 0 {
		return answer.Found, nil
	}
	return nil, fmt.Errorf("%s (%d)", texts[answer.Status], answer.Status)
}

// docker's helper knows these two by their texts, which are macOS's own.
var texts = map[int]string{
	-25300: "The specified item could not be found in the keychain.",
	-25308: "User interaction is not allowed.",
}

// AddItem is SecItemAdd.
func AddItem(item Item) error {
	_, err := ask("SecItemAdd", item)
	return err
}

// DeleteItem is SecItemDelete.
func DeleteItem(item Item) error {
	_, err := ask("SecItemDelete", item)
	return err
}

// QueryItem is SecItemCopyMatching; as in the binding, nothing found is no error.
func QueryItem(item Item) ([]QueryResult, error) {
	found, err := ask("SecItemCopyMatching", item)
	if err == nil && !item.all && len(found) > 1 {
		found = found[:1]
	}
	return found, err
}
