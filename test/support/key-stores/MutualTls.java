// Opens key stores and trust stores as Java applications do, and shakes hands with them: both sides of a mutual TLS
// connection use the same two stores. Prints a line a directory: its name, what was found, and who was met.
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.Collections;
import java.util.concurrent.CompletableFuture;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

class MutualTls {
    /** Arguments: the host name to verify, then directories with keystore.p12, keystore-password and truststore.p12. */
    public static void main(String[] arguments) throws Exception {
        for (int index = 1; index < arguments.length; index++) {
            Path directory = Path.of(arguments[index]);
            char[] password = Files.readString(directory.resolve("keystore-password")).toCharArray();
            KeyStore keys = open(directory.resolve("keystore.p12"), password);
            // No password, and one that nobody chose: both open a trust store.
            open(directory.resolve("truststore.p12"), null);
            KeyStore anchors = open(directory.resolve("truststore.p12"), "anything".toCharArray());
            String alias = keys.aliases().nextElement();
            System.out.printf(
                "%s keys=%s chain=%d anchors=%d met=%s%n",
                directory.getFileName(),
                Collections.list(keys.aliases()),
                keys.getCertificateChain(alias).length,
                Collections.list(anchors.aliases()).stream().filter(name -> isTrusted(anchors, name)).count(),
                shakeHands(context(keys, password, anchors), arguments[0]));
        }
    }

    private static boolean isTrusted(KeyStore store, String alias) {
        try {
            return store.isCertificateEntry(alias);
        } catch (java.security.KeyStoreException fault) {
            throw new IllegalStateException(fault);
        }
    }

    private static KeyStore open(Path file, char[] password) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream content = Files.newInputStream(file)) {
            store.load(content, password);
        }
        return store;
    }

    private static SSLContext context(KeyStore keys, char[] password, KeyStore anchors) throws Exception {
        KeyManagerFactory keyManagers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keyManagers.init(keys, password);
        TrustManagerFactory trustManagers = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trustManagers.init(anchors);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keyManagers.getKeyManagers(), trustManagers.getTrustManagers(), null);
        return context;
    }

    /** Returns what either side learned of the other. */
    private static String shakeHands(SSLContext context, String host) throws Exception {
        try (SSLServerSocket listener = (SSLServerSocket) context.getServerSocketFactory().createServerSocket(0)) {
            listener.setNeedClientAuth(true);
            CompletableFuture<String> client = new CompletableFuture<>();
            Thread serving = new Thread(() -> {
                try (SSLSocket connection = (SSLSocket) listener.accept()) {
                    connection.getOutputStream().write(1);
                    client.complete(connection.getSession().getPeerPrincipal().getName());
                } catch (Exception fault) {
                    client.completeExceptionally(fault);
                }
            });
            serving.start();
            java.net.Socket plain = new java.net.Socket("localhost", listener.getLocalPort());
            try (SSLSocket connection = (SSLSocket) context.getSocketFactory().createSocket(plain, host, listener.getLocalPort(), true)) {
                SSLParameters parameters = connection.getSSLParameters();
                parameters.setEndpointIdentificationAlgorithm("HTTPS");
                connection.setSSLParameters(parameters);
                connection.getInputStream().read();
                String server = connection.getSession().getPeerPrincipal().getName();
                serving.join();
                return server + "/" + client.get();
            }
        }
    }
}
