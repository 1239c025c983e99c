package azure

import (
	"context"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/idferry/idferry/internal/problem"
)

// openDeviceCode opens the identity of a person who types a code on any device.
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code
func openDeviceCode(s Settings) (source, error) {
	credential, err := azidentity.NewDeviceCodeCredential(&azidentity.DeviceCodeCredentialOptions{
		ClientOptions: s.clientOptions(), TenantID: s.TenantID, ClientID: s.ClientID, DisableInstanceDiscovery: true,
		UserPrompt: func(_ context.Context, m azidentity.DeviceCodeMessage) error {
			_, err := fmt.Fprintln(s.Prompt, m.Message)
			return err
		},
	})
	if err != nil {
		return nil, problem.Input("--tenant-id", "%q is unusable: %w", s.TenantID, err)
	}
	return &person{settings: s, kind: "device-code", credential: credential}, nil
}
