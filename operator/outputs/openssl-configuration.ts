// A configuration of OpenSSL, for software whose own settings end before what must be said: suites of TLS 1.3, groups, tickets.
// OpenSSL 3.0, config(5) and SSL_CONF_cmd(3): `system_default` is taken by every context of a process that is made after.
import { heading, type Rendering, trustDirectory } from './rendering.ts';
import { cipherSuites, groups } from './tls-policy.ts';

/** Its data key and its text. */
export function openSSLConfiguration(software: string, { server, minVersion, fips }: Rendering): readonly [string, string] {
  const { tls12, tls13 } = cipherSuites(fips);
  const name = fileName(software);
  const says = heading(
    server,
    `For OpenSSL 3.0: start ${software} with OPENSSL_CONF=${trustDirectory}/${name}.`,
    ...(fips ? ['FIPS: it chooses what is approved; that an approved module does it is for the machine to see to.'] : []),
  );
  return [
    name,
    `${says}openssl_conf = trustmesh
[trustmesh]
ssl_conf = trustmesh_ssl
[trustmesh_ssl]
system_default = trustmesh_tls
[trustmesh_tls]
MinProtocol = TLSv${minVersion}
CipherString = ${tls12.join(':')}
Ciphersuites = ${tls13.join(':')}
Groups = ${groups(fips).join(':')}
Options = -SessionTicket
`,
  ];
}

const fileName = (software: string) => `${software.toLowerCase()}-openssl.cnf`;
