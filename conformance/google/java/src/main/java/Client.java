import com.google.api.client.http.HttpTransport;
import com.google.api.client.http.javanet.NetHttpTransport;
import com.google.api.client.json.gson.GsonFactory;
import com.google.auth.oauth2.GoogleCredentials;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Asks google-auth-library-oauth2-http for access tokens and prints how that went as one JSON line.
 *
 * <pre>
 * Client token FILE SCOPE         one
 * Client twice FILE SCOPE         two from one object, the second one forced
 * Client calls FILE SCOPE         three from one object, which asks when it has to
 * Client parallel FILE SCOPE N    N threads at once, one object
 * </pre>
 *
 * IDFERRY_TRUSTSTORE names a PKCS #12 file with the authority of the servers, IDFERRY_TRUSTSTORE_PASSWORD is its password.
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
            List<String> tokens = tokens(args);
            answer.put("tokens", tokens);
            answer.put("token", tokens.get(tokens.size() - 1));
            answer.put("ok", true);
        } catch (Exception e) {
            answer.put("error", withCauses(e));
        }
        answer.put("ms", (System.nanoTime() - start) / 1_000_000);
        System.out.println(GsonFactory.getDefaultInstance().toString(answer));
        // The libraries' threads are no reason to stay.
        System.exit(0);
    }

    private static List<String> tokens(String[] args) throws Exception {
        HttpTransport transport = transport();
        GoogleCredentials credentials;
        try (InputStream file = new FileInputStream(args[1])) {
            credentials = GoogleCredentials.fromStream(file, () -> transport).createScoped(args[2]);
        }
        switch (args[0]) {
            case "token":
                return List.of(ready(credentials));
            case "twice":
                String first = ready(credentials);
                credentials.refresh();
                return List.of(first, credentials.getAccessToken().getTokenValue());
            case "calls":
                return List.of(ready(credentials), ready(credentials), ready(credentials));
            case "parallel":
                return parallel(credentials, Integer.parseInt(args[3]));
            default:
                throw new IllegalArgumentException("unknown verb " + args[0]);
        }
    }

    private static String ready(GoogleCredentials credentials) throws IOException {
        credentials.refreshIfExpired();
        return credentials.getAccessToken().getTokenValue();
    }

    private static List<String> parallel(GoogleCredentials credentials, int number) throws Exception {
        List<String> tokens = new ArrayList<>();
        ExecutorService pool = Executors.newFixedThreadPool(number);
        try {
            Callable<String> call = () -> ready(credentials);
            for (Future<String> token : pool.invokeAll(Collections.nCopies(number, call))) {
                tokens.add(token.get());
            }
        } finally {
            pool.shutdown();
        }
        return tokens;
    }

    private static HttpTransport transport() throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream file = new FileInputStream(System.getenv("IDFERRY_TRUSTSTORE"))) {
            store.load(file, System.getenv("IDFERRY_TRUSTSTORE_PASSWORD").toCharArray());
        }
        return new NetHttpTransport.Builder().trustCertificates(store).build();
    }

    /** What a stack trace shows of an exception, without its frames. */
    private static String withCauses(Throwable e) {
        StringBuilder text = new StringBuilder(e.toString());
        for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
            text.append("\nCaused by: ").append(cause);
        }
        return text.toString();
    }

    private static String version() throws IOException {
        Properties properties = new Properties();
        try (InputStream in = Client.class.getResourceAsStream("/META-INF/maven/com.google.auth/google-auth-library-oauth2-http/pom.properties")) {
            properties.load(in);
        }
        return properties.getProperty("version");
    }
}
