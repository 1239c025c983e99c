package azure

import (
	"context"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// later is a credential that is made when it is first asked for a token. Making one of azidentity's costs a call that
// finds its token remembered a tenth of its time.
type later func() (azcore.TokenCredential, error)

func makeLater(open func() (azcore.TokenCredential, error)) later { return sync.OnceValues(open) }

// GetToken implements azcore.TokenCredential. A credential that cannot be made is an error of each call.
func (l later) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	credential, err := l()
	if err != nil {
		return azcore.AccessToken{}, err
	}
	return credential.GetToken(ctx, options)
}
