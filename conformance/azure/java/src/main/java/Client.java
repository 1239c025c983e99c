import com.azure.core.credential.AccessToken;
import com.azure.core.credential.TokenCredential;
import com.azure.core.credential.TokenRequestContext;
import com.azure.core.util.CoreUtils;
import com.azure.identity.AzureCliCredentialBuilder;
import com.azure.identity.AzureDeveloperCliCredentialBuilder;
import com.azure.identity.DefaultAzureCredentialBuilder;
import com.azure.json.JsonProviders;
import com.azure.json.JsonWriter;
import java.io.IOException;
import java.io.OutputStream;

/**
 * Asks azure-identity for one token and prints how that went as one JSON line: {@code Client CREDENTIAL SCOPE [TENANT]}.
 */
public final class Client {
    public static void main(String[] args) throws IOException {
        AccessToken token = null;
        String error = null;
        long start = System.nanoTime();
        try {
            TokenRequestContext request = new TokenRequestContext().addScopes(args[1]);
            if (args.length > 2) {
                request.setTenantId(args[2]);
            }
            token = credential(args[0]).getTokenSync(request);
        } catch (RuntimeException e) {
            error = e.toString();
        }
        long ms = (System.nanoTime() - start) / 1_000_000;
        OutputStream out = System.out;
        try (JsonWriter json = JsonProviders.createWriter(out)) {
            json.writeStartObject()
                .writeStringField("client", "azure-identity")
                .writeStringField("version", CoreUtils.getProperties("azure-identity.properties").get("version"))
                .writeStringField("verb", args[0])
                .writeBooleanField("ok", token != null)
                .writeLongField("ms", ms)
                .writeStringField("error", error);
            if (token != null) {
                json.writeStringField("token", token.getToken())
                    .writeLongField("expires_on", token.getExpiresAt().toEpochSecond());
            }
            json.writeEndObject();
        }
        // The libraries' thread pools are no reason to stay.
        System.exit(0);
    }

    private static TokenCredential credential(String name) {
        switch (name) {
            case "AzureCliCredential":
                return new AzureCliCredentialBuilder().additionallyAllowedTenants("*").build();
            case "AzureDeveloperCliCredential":
                return new AzureDeveloperCliCredentialBuilder().additionallyAllowedTenants("*").build();
            case "DefaultAzureCredential":
                return new DefaultAzureCredentialBuilder().additionallyAllowedTenants("*").build();
            default:
                throw new IllegalArgumentException("unknown credential " + name);
        }
    }
}
