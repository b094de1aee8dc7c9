// An MTLS peer on JSSE, server and client, that is told what to do line by line (../agent.ts has the protocol).
// It verifies with the default PKIX trust manager; beside that it only checks names against the list it was given.

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.CRL;
import java.security.cert.CertPathBuilder;
import java.security.cert.CertStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.CertificateParsingException;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.PKIXRevocationChecker;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import javax.net.ssl.CertPathTrustManagerParameters;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedKeyManager;
import javax.net.ssl.X509TrustManager;

public final class Peer {
  /** How long a server waits for a client that does not go on. */
  private static final int PATIENCE_MS = 10_000;

  private static final PrintStream OUTPUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);
  private static final Map<String, Listener> LISTENERS = new ConcurrentHashMap<>();

  public static void main(String[] arguments) throws IOException {
    var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line; (line = lines.readLine()) != null; ) {
      var request = new Request(line);
      switch (request.text("command")) {
        case "listen" -> attempt(request, () -> listen(request));
        case "connect" -> start(() -> attempt(request, () -> connect(request)));
        case "takeUp" -> attempt(request, () -> takeUp(request));
        case "close" -> attempt(request, () -> close(request));
        default -> failed(request, new IOException("no such command: " + request.text("command")));
      }
    }
    System.exit(0);
  }

  private static void listen(Request request) throws IOException, GeneralSecurityException {
    var socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    var listener = new Listener(socket, request, new AtomicReference<>(context(request)));
    var id = request.text("id");
    LISTENERS.put(id, listener);
    reply(id, "listening", Map.of("port", List.of(String.valueOf(socket.getLocalPort()))));
    start(
        () -> {
          while (true) {
            Socket connection;
            try {
              connection = socket.accept();
            } catch (IOException closed) {
              return;
            }
            start(() -> serve(id, connection, listener));
          }
        });
  }

  private static void close(Request request) throws IOException {
    var listener = LISTENERS.remove(request.text("listener"));
    if (listener != null) listener.socket.close();
    reply(request.text("id"), "closed", Map.of());
  }

  /** Goes on with other anchors: in a context of its own, so that no session of before is resumed. */
  private static void takeUp(Request request) throws IOException, GeneralSecurityException {
    var listener = LISTENERS.get(request.text("listener"));
    listener.context.set(context(listener.request.with(request, "ca.crt", "truststore.p12")));
    reply(request.text("id"), "takenUp", Map.of());
  }

  private static void serve(String id, Socket accepted, Listener listener) {
    try (accepted) {
      accepted.setSoTimeout(PATIENCE_MS);
      var connection = (SSLSocket) listener.context.get().getSocketFactory().createSocket(accepted, null, true);
      connection.setNeedClientAuth(listener.request.is("requireClientCertificate"));
      if (listener.request.has("protocol")) connection.setEnabledProtocols(new String[] {listener.request.text("protocol")});
      var welcome = "welcome\n".getBytes(StandardCharsets.UTF_8);
      var lines = linesOf(connection);
      try {
        connection.startHandshake();
        readLine(lines);
        connection.getOutputStream().write(welcome);
        accepted(id, connection.getSession());
      } catch (IOException | CertificateException refused) {
        refused(id, refused);
        return;
      }
      accepted.setSoTimeout(0);
      while (lines.readLine() != null) connection.getOutputStream().write(welcome);
    } catch (IOException over) {
      // Whoever called has gone.
    }
  }

  private static void connect(Request request) throws IOException, GeneralSecurityException {
    var sockets = context(request).getSocketFactory();
    var id = request.text("id");
    var timeoutMs = Integer.parseInt(request.text("timeoutMs"));
    try (var dialled = new Socket()) {
      dialled.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(request.text("port"))), timeoutMs);
      dialled.setSoTimeout(timeoutMs);
      try (var connection = (SSLSocket) sockets.createSocket(dialled, request.text("serverName"), dialled.getPort(), true)) {
        SSLParameters parameters = connection.getSSLParameters();
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        if (request.has("protocol")) parameters.setProtocols(new String[] {request.text("protocol")});
        connection.setSSLParameters(parameters);
        connection.startHandshake();
        connection.getOutputStream().write("hello\n".getBytes(StandardCharsets.UTF_8));
        readLine(linesOf(connection));
        accepted(id, connection.getSession());
      }
    } catch (IOException | CertificateException refused) {
      refused(id, refused);
    }
  }

  private static SSLContext context(Request request) throws IOException, GeneralSecurityException {
    KeyManager[] keys = null;
    if (request.has("keystore.p12")) {
      var password = new String(request.bytes("keystore-password"), StandardCharsets.UTF_8).toCharArray();
      var store = KeyStore.getInstance("PKCS12");
      store.load(new ByteArrayInputStream(request.bytes("keystore.p12")), password);
      keys = new KeyManager[] {new OnlyKey(store, password)};
    }
    var context = SSLContext.getInstance("TLS");
    var trust = pkix(anchors(request), request.all("revocationLists"));
    context.init(keys, new TrustManager[] {request.is("checkNames") ? new NamedPeers(trust, request.all("allowedNames")) : trust}, null);
    return context;
  }

  private static KeyStore anchors(Request request) throws IOException, GeneralSecurityException {
    var store = KeyStore.getInstance("PKCS12");
    if (request.has("truststore.p12")) {
      store.load(new ByteArrayInputStream(request.bytes("truststore.p12")), null);
      return store;
    }
    store.load(null, null);
    var number = 0;
    for (Certificate anchor : CertificateFactory.getInstance("X.509").generateCertificates(new ByteArrayInputStream(request.bytes("ca.crt")))) {
      store.setCertificateEntry("anchor-" + number++, anchor);
    }
    return store;
  }

  private static X509TrustManager pkix(KeyStore anchors, List<String> lists) throws GeneralSecurityException {
    var factory = TrustManagerFactory.getInstance("PKIX");
    if (lists.isEmpty()) factory.init(anchors);
    else factory.init(new CertPathTrustManagerParameters(revoking(anchors, lists)));
    return (X509TrustManager) factory.getTrustManagers()[0];
  }

  /** By these CRLs alone: nobody is asked. */
  private static PKIXBuilderParameters revoking(KeyStore anchors, List<String> lists) throws GeneralSecurityException {
    var read = new ArrayList<CRL>();
    for (var list : lists) {
      read.add(CertificateFactory.getInstance("X.509").generateCRL(new ByteArrayInputStream(list.getBytes(StandardCharsets.US_ASCII))));
    }
    var checker = (PKIXRevocationChecker) CertPathBuilder.getInstance("PKIX").getRevocationChecker();
    checker.setOptions(EnumSet.of(PKIXRevocationChecker.Option.PREFER_CRLS, PKIXRevocationChecker.Option.NO_FALLBACK));
    var parameters = new PKIXBuilderParameters(anchors, new X509CertSelector());
    parameters.addCertStore(CertStore.getInstance("Collection", new CollectionCertStoreParameters(read)));
    parameters.addCertPathChecker(checker);
    return parameters;
  }

  private static BufferedReader linesOf(SSLSocket connection) throws IOException {
    return new BufferedReader(new InputStreamReader(connection.getInputStream(), StandardCharsets.UTF_8));
  }

  private static void readLine(BufferedReader lines) throws IOException {
    if (lines.readLine() == null) throw new IOException("end of stream before the peer's line");
  }

  private static List<String> namesOf(X509Certificate certificate) throws CertificateParsingException {
    var names = new ArrayList<String>();
    var alternatives = certificate.getSubjectAlternativeNames();
    for (var alternative : alternatives == null ? Collections.<List<?>>emptyList() : alternatives) {
      var kind = (Integer) alternative.get(0);
      if (kind == 2 || kind == 6) names.add((String) alternative.get(1));
    }
    return names;
  }

  private static void accepted(String id, SSLSession session) throws CertificateParsingException {
    List<String> names;
    try {
      names = namesOf((X509Certificate) session.getPeerCertificates()[0]);
    } catch (SSLPeerUnverifiedException noCertificate) {
      names = List.of();
    }
    reply(id, "handshake", Map.of("accepted", List.of("true"), "peerNames", names, "protocol", List.of(session.getProtocol())));
  }

  private static void refused(String id, Exception error) {
    reply(id, "handshake", Map.of("accepted", List.of("false"), "detail", List.of(words(error))));
  }

  private static void failed(Request request, Exception error) {
    reply(request.text("id"), "failed", Map.of("detail", List.of(words(error))));
  }

  /** JSSE says the reason somewhere down the chain of causes. */
  private static String words(Throwable error) {
    var words = new StringBuilder();
    for (var cause = error; cause != null; cause = cause.getCause()) {
      if (words.length() > 0) words.append("; ");
      words.append(cause);
    }
    return words.toString();
  }

  private static synchronized void reply(String id, String event, Map<String, List<String>> fields) {
    var all = new TreeMap<>(fields);
    all.put("id", List.of(id));
    all.put("event", List.of(event));
    var line = new StringBuilder();
    all.forEach((name, values) -> values.forEach(value -> line.append(line.length() == 0 ? "" : "&").append(encode(name)).append('=').append(encode(value))));
    OUTPUT.println(line);
  }

  private static String encode(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }

  private interface Task {
    void run() throws IOException, GeneralSecurityException;
  }

  private static void attempt(Request request, Task task) {
    try {
      task.run();
    } catch (IOException | GeneralSecurityException error) {
      failed(request, error);
    }
  }

  private static void start(Runnable task) {
    var thread = new Thread(task);
    thread.setDaemon(true);
    thread.start();
  }

  /** Where connections come in, and what the next one is held to. */
  private record Listener(ServerSocket socket, Request request, AtomicReference<SSLContext> context) {}

  /** One line, form-encoded; binary fields in base64. */
  private static final class Request {
    private final Map<String, List<String>> fields = new TreeMap<>();

    Request(String line) {
      for (var pair : line.split("&")) {
        var parts = pair.split("=", 2);
        fields.computeIfAbsent(decode(parts[0]), name -> new ArrayList<>()).add(decode(parts[1]));
      }
    }

    private static String decode(String text) {
      return URLDecoder.decode(text, StandardCharsets.UTF_8);
    }

    private Request(Map<String, List<String>> given) {
      fields.putAll(given);
    }

    /** The same with these fields as another has them. */
    Request with(Request other, String... names) {
      var changed = new Request(fields);
      for (var name : names) {
        if (other.has(name)) changed.fields.put(name, other.all(name));
      }
      return changed;
    }

    boolean has(String name) {
      return fields.containsKey(name);
    }

    List<String> all(String name) {
      return fields.getOrDefault(name, List.of());
    }

    String text(String name) {
      return has(name) ? all(name).get(0) : "";
    }

    boolean is(String name) {
      return text(name).equals("true");
    }

    byte[] bytes(String name) {
      return Base64.getDecoder().decode(text(name));
    }
  }

  /**
   * Presents the store's only key to whoever asks. The default key manager keeps back a certificate whose issuer the
   * server did not ask for, and nobody could see it refused.
   */
  private static final class OnlyKey extends X509ExtendedKeyManager {
    private final String alias;
    private final PrivateKey key;
    private final X509Certificate[] chain;

    OnlyKey(KeyStore store, char[] password) throws GeneralSecurityException {
      alias = store.aliases().nextElement();
      key = (PrivateKey) store.getKey(alias, password);
      var certificates = store.getCertificateChain(alias);
      chain = new X509Certificate[certificates.length];
      System.arraycopy(certificates, 0, chain, 0, chain.length);
    }

    @Override
    public String[] getClientAliases(String keyType, Principal[] issuers) {
      return new String[] {alias};
    }

    @Override
    public String chooseClientAlias(String[] keyTypes, Principal[] issuers, Socket socket) {
      return alias;
    }

    @Override
    public String[] getServerAliases(String keyType, Principal[] issuers) {
      return new String[] {alias};
    }

    @Override
    public String chooseServerAlias(String keyType, Principal[] issuers, Socket socket) {
      return keyType.equals(key.getAlgorithm()) ? alias : null;
    }

    @Override
    public X509Certificate[] getCertificateChain(String asked) {
      return chain;
    }

    @Override
    public PrivateKey getPrivateKey(String asked) {
      return key;
    }
  }

  /** The default trust manager, and after it the list of names that a client may have. */
  private static final class NamedPeers implements X509TrustManager {
    private final X509TrustManager pkix;
    private final List<String> allowed;

    NamedPeers(X509TrustManager pkix, List<String> allowed) {
      this.pkix = pkix;
      this.allowed = allowed;
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType) throws CertificateException {
      pkix.checkClientTrusted(chain, authType);
      var names = namesOf(chain[0]);
      if (Collections.disjoint(names, allowed)) throw new CertificateException("not in the topology: " + String.join(", ", names));
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType) throws CertificateException {
      pkix.checkServerTrusted(chain, authType);
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return pkix.getAcceptedIssuers();
    }
  }
}
