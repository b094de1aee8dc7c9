// The OpenSSL that this process makes keys and signatures with, and whether it does so within a module validated to FIPS 140.
import { getFips } from 'node:crypto';

export interface OwnOpenSSL {
  readonly version: string;
  /** The FIPS provider is what answers: Node was started with --enable-fips or an OpenSSL configuration that asks for it. */
  readonly fipsProvider: boolean;
}

export function ownOpenSSL(): OwnOpenSSL {
  return { version: process.versions.openssl, fipsProvider: getFips() === 1 };
}
