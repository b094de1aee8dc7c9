// What is found about the trunks of a server, as it is shown there: each reason once, however many gateways there are. What is
// to be done about one of them is said by its MediaGateway.
import { concernedByKey, type Finding, type FindingReason, inShort } from './findings.ts';
import type { Trunk } from './trunk-standing.ts';
import { trunkMedia } from './trunks.ts';

interface Fault {
  readonly reason: FindingReason;
  readonly what: string;
  /** Of the MediaGateway. */
  readonly condition: string;
  readonly holds: (trunk: Trunk) => boolean;
}

/** Gateways that a finding names as objects that it concerns. */
const mostConcerned = 3;

/** `trunks` end at `server`; `isRefused` says of a gateway, by `namespace/name`, that none of the CAs it brings is trusted there. */
export function findingsOfTrunks(
  server: string,
  trunks: readonly Trunk[],
  isRefused: (gateway: string) => boolean,
): readonly Finding[] {
  const faults: readonly Fault[] = [
    {
      reason: 'UnencryptedLink',
      what: 'Trunks over TCP, in the clear',
      condition: 'LinkEncrypted',
      holds: ({ gateway }) => gateway.spec.transport === 'TCP',
    },
    {
      reason: 'SRTPNotPossible',
      what: 'Trunks without SRTP, where it is required',
      condition: 'MediaEncrypted',
      holds: ({ gateway, pool, domain }) => trunkMedia(gateway, pool, domain).condition.reason === 'SRTPNotPossible',
    },
    {
      reason: 'UntrustedGateway',
      what: 'Trunks to a gateway whose CA is not trusted here',
      condition: 'CertificateTrusted',
      holds: ({ gateway }) => isRefused(keyOf(gateway)),
    },
  ];
  return faults.flatMap(({ reason, what, condition, holds }): Finding[] => {
    const keys = trunks.filter(holds).map(({ gateway }) => keyOf(gateway));
    if (keys.length === 0) return [];
    const message = `${what}: ${inShort(keys)} (${keys.length} of ${trunks.length}). The condition ${condition} of the MediaGateway says what to do.`;
    const concerns = keys.slice(0, mostConcerned).map((key) => concernedByKey('MediaGateway', key));
    return [{ reason, message, concerns: [concernedByKey('TrustedServer', server), ...concerns] }];
  });
}

function keyOf({ metadata }: Trunk['gateway']): string {
  return `${metadata.namespace}/${metadata.name}`;
}
