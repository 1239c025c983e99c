package azcli

import "strings"

// tenantLevel is what az calls an account without a subscription (`--allow-no-subscriptions`); its id is the tenant's.
const tenantLevel = "N/A(tenant level account)"

// Account is what az knows of who is logged in.
type Account struct {
	// Cloud is the cloud as az names it, AzureCloud for the public one.
	Cloud, TenantID, ClientID string
	// SubscriptionID is "" where no subscription is known.
	SubscriptionID string
}

// ID is the id of the account: the subscription's, or the tenant's where there is none.
func (a Account) ID() string {
	if a.SubscriptionID == "" {
		return a.TenantID
	}
	return a.SubscriptionID
}

// Name is the subscription's id, because its display name is known to Azure Resource Manager alone.
func (a Account) Name() string {
	if a.SubscriptionID == "" {
		return tenantLevel
	}
	return a.SubscriptionID
}

// Is reports whether --subscription with this value means the account.
func (a Account) Is(subscription string) bool {
	return strings.EqualFold(subscription, a.ID()) || strings.EqualFold(subscription, a.Name())
}

// IsID reports whether subscription is an id. az takes names too; Azure Resource Manager alone knows what they mean.
func IsID(subscription string) bool {
	if len(subscription) != 36 {
		return false
	}
	for i, r := range strings.ToLower(subscription) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (r == '-') || !dash && !strings.ContainsRune("0123456789abcdef", r) {
			return false
		}
	}
	return true
}

// Show is the document of `az account show`.
func (a Account) Show() *Object { return a.document(Member{"environmentName", a.Cloud}) }

// List is the document of `az account list`, which az also prints after a log-in. It names the cloud by another key.
func (a Account) List() []any {
	o := a.document()
	o.Members = append(o.Members, Member{"cloudName", a.Cloud})
	return []any{o}
}

func (a Account) document(environment ...Member) *Object {
	members := append([]Member{
		{"id", a.ID()}, {"name", a.Name()}, {"state", "Enabled"},
		{"user", &Object{Members: []Member{{"name", a.ClientID}, {"type", "servicePrincipal"}}}},
		{"isDefault", true}, {"tenantId", a.TenantID},
	}, environment...)
	if a.SubscriptionID != "" {
		members = append(members, Member{"homeTenantId", a.TenantID}, Member{"managedByTenants", []any{}})
	}
	return &Object{Members: members}
}

// AccountTable makes the rows of `az account list -o table`.
func AccountTable(list any) any {
	var rows []any
	for _, item := range list.([]any) {
		account := item.(*Object)
		row := &Object{}
		for _, column := range []Member{{"Name", "name"}, {"CloudName", "cloudName"}, {"SubscriptionId", "id"},
			{"TenantId", "tenantId"}, {"State", "state"}, {"IsDefault", "isDefault"}} {
			row.Members = append(row.Members, Member{column.Key, account.Get(column.Value.(string))})
		}
		rows = append(rows, row)
	}
	return rows
}

// Versions is the document of `az version`. Terraform takes any from 2.0.81 to 2.x; this is the one whose output is
// matched here.
func Versions() *Object {
	return &Object{Members: []Member{
		{"extensions", &Object{}}, {"azure-cli", Version}, {"azure-cli-core", Version}, {"azure-cli-telemetry", telemetryVersion}}}
}

// Version is the release of azure-cli whose output this package prints.
const Version = "2.91.0"

const telemetryVersion = "1.1.0"

// VersionText is the beginning of `az --version`, which is meant for people.
func VersionText() string {
	return "azure-cli                         " + Version + "\n\n" +
		"core                              " + Version + "\n" +
		"telemetry                          " + telemetryVersion + "\n"
}
