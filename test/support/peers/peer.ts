// A real MTLS program behind one interface, as server and as client, and what it says of each handshake.
import type { Reason } from './reason.ts';

export const peerNames = ['openssl', 'node', 'go', 'java'] as const;
export type PeerName = (typeof peerNames)[number];
export type Protocol = 'TLSv1.2' | 'TLSv1.3';

/** The data of a Secret as the API server returns it, decoded from base64. Java takes the key stores, the others the PEM files. */
export interface Material extends Trust {
  readonly 'tls.crt': Buffer;
  readonly 'tls.key': Buffer;
  readonly 'keystore.p12'?: Buffer;
  readonly 'keystore-password'?: Buffer;
  readonly 'tls-combined.pem'?: Buffer;
}

/** The data of a bundle ConfigMap, or a Secret's own. Java takes the trust store where there is one, else the PEM file. */
export interface Trust {
  readonly 'ca.crt': Buffer;
  readonly 'truststore.p12'?: Buffer;
}

/** One side's account. Accepted means that a line of application data went each way: in TLS 1.3 a client's handshake is over before the server has judged its certificate. */
export type Handshake =
  | {
      readonly accepted: true;
      /** DNS and URI names of the certificate that the other side presented; none if it presented none. */
      readonly peerNames: readonly string[];
      readonly protocol: Protocol;
    }
  | {
      readonly accepted: false;
      readonly refusedBy: 'self';
      readonly reason: Reason;
      /** The program's own words. */
      readonly detail: string;
    }
  | {
      readonly accepted: false;
      readonly refusedBy: 'peer';
      /** As far as its alert says, which is less than the peer knows. */
      readonly reason?: Reason;
      readonly detail: string;
    };

export interface ListenOptions {
  readonly material: Material;
  readonly requireClientCertificate: boolean;
  /** DNS names and URIs of which a client's certificate must have one. Throws where the peer cannot check names. */
  readonly allowedNames?: readonly string[];
  /** CRLs of every CA of the chain, PEM, one each: who is on one is refused. Throws where the peer checks none. */
  readonly revocationLists?: readonly string[];
  /** The only version spoken; by default 1.2 and 1.3. */
  readonly protocol?: Protocol;
}

export interface ConnectOptions {
  /** Absent: no client certificate. */
  readonly material?: Material;
  readonly trust: Trust;
  readonly port: number;
  readonly serverName: string;
  readonly protocol?: Protocol;
  /** Milliseconds until the client gives up; by default 10,000. */
  readonly timeoutMs?: number;
}

export interface Listener extends AsyncDisposable {
  readonly port: number;
  /** The account of the next connection that has not been told yet. Throws when there is none within 10 s. */
  next(): Promise<Handshake>;
  /** Changes the files of anchors. Who reads them when it starts goes on as before; the program around the others has them read. */
  takeUp(trust: Trust): Promise<void>;
}

export interface Peer extends AsyncDisposable {
  readonly name: PeerName;
  /** Whether its server can hold clients to a list of names. */
  readonly checksNames: boolean;
  /** Whether its server refuses by CRLs that it is given. */
  readonly checksRevocation: boolean;
  listen(options: ListenOptions): Promise<Listener>;
  connect(options: ConnectOptions): Promise<Handshake>;
}
