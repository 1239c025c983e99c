import com.google.api.client.http.HttpTransport;
import com.google.api.client.http.javanet.NetHttpTransport;
import com.google.api.client.json.gson.GsonFactory;
import com.google.auth.http.HttpTransportFactory;
import com.google.auth.oauth2.GoogleCredentials;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Asks google-auth-library-oauth2-http for access tokens and prints how that went as one JSON line: {@code Client
 * token|twice|calls|parallel FILE SCOPE [N]}.
 */
public final class Client {
    public static void main(String[] args) throws IOException {
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("client", "google-auth-library-oauth2-http");
        answer.put("version", version());
        answer.put("verb", args[0]);
        answer.put("ok", false);
        long start = System.nanoTime();
        try {
            answer.put("token", token(args));
            answer.put("ok", true);
        } catch (Exception e) {
            answer.put("error", whole(e));
        }
        answer.put("ms", (System.nanoTime() - start) / 1_000_000);
        System.out.println(GsonFactory.getDefaultInstance().toString(answer));
        // The libraries' threads are no reason to stay.
        System.exit(0);
    }

    private static String token(String[] args) throws Exception {
        HttpTransport transport = transport();
        HttpTransportFactory factory = () -> transport;
        GoogleCredentials credentials;
        try (InputStream file = new FileInputStream(args[1])) {
            credentials = GoogleCredentials.fromStream(file, factory).createScoped(args[2]);
        }
        switch (args[0]) {
            case "token":
                return credentials.refreshAccessToken().getTokenValue();
            case "twice":
                credentials.refresh();
                credentials.refresh();
                return credentials.getAccessToken().getTokenValue();
            case "calls":
                for (int i = 0; i < 3; i++) {
                    credentials.refreshIfExpired();
                }
                return credentials.getAccessToken().getTokenValue();
            case "parallel":
                return parallel(credentials, Integer.parseInt(args[3]));
            default:
                throw new IllegalArgumentException("unknown verb " + args[0]);
        }
    }

    private static String parallel(GoogleCredentials credentials, int number) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(number);
        try {
            List<Callable<Object>> calls = new ArrayList<>();
            for (int i = 0; i < number; i++) {
                calls.add(() -> {
                    credentials.refreshIfExpired();
                    return null;
                });
            }
            for (Future<Object> call : pool.invokeAll(calls)) {
                call.get();
            }
        } finally {
            pool.shutdown();
        }
        return credentials.getAccessToken().getTokenValue();
    }

    /** The trust store has the authority of the servers under test. */
    private static HttpTransport transport() throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream file = new FileInputStream(System.getenv("IDFERRY_TRUSTSTORE"))) {
            store.load(file, System.getenv("IDFERRY_TRUSTSTORE_PASSWORD").toCharArray());
        }
        return new NetHttpTransport.Builder().trustCertificates(store).build();
    }

    /** An exception with its causes, as a stack trace shows them. */
    private static String whole(Throwable e) {
        StringBuilder text = new StringBuilder(e.toString());
        for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
            text.append("\nCaused by: ").append(cause);
        }
        return text.toString();
    }

    private static String version() throws IOException {
        Properties properties = new Properties();
        try (InputStream in = Client.class.getResourceAsStream("/META-INF/maven/com.google.auth/google-auth-library-oauth2-http/pom.properties")) {
            if (in != null) {
                properties.load(in);
            }
        }
        return properties.getProperty("version", "");
    }
}
