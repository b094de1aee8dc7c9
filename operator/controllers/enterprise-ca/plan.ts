// What to do for an EnterpriseCA, and which authority it can issue with now.

import { parseDuration } from '../../api/v1alpha1/duration.ts';
import type { EnterpriseCA } from '../../api/v1alpha1/index.ts';
import type { Authority, KnownAnchors } from '../../authorities/authority.ts';
import type { Certificate } from '../../pki/certificate.ts';
import { withoutRoots } from '../../pki/chain.ts';
import { issuerOf } from '../../pki/leaf.ts';
import type { StoredAuthority } from '../stored-authority.ts';
import type { CAObservation, Generation } from './observe.ts';
import type { History } from './secrets.ts';

export type CAAction =
  | { readonly kind: 'CreateRoot'; readonly generation: number }
  | { readonly kind: 'CreateIssuing'; readonly generation: number; readonly root: StoredAuthority }
  /** A provided CA came into use: what it is trusted by is kept for as long as anything it signed may be. */
  | { readonly kind: 'WriteHistory'; readonly history: History };

export type Availability =
  | {
      readonly available: true;
      readonly authority: Authority;
      readonly keyIds: readonly string[];
      /** Issuing certificates of every generation. */
      readonly issuing: readonly Certificate[];
      /** Of former generations, the newest first: partners may not know the current one yet. */
      readonly older: readonly Authority[];
    }
  | { readonly available: false; readonly reason: string; readonly message: string; readonly while: 'Reconciling' | 'Stalled' };

/** Why the generation that the spec asks for cannot come into being. */
export interface Hindrance {
  readonly reason: 'SecretNotOwned' | 'SecretDamaged' | 'SecretNotFound';
  readonly message: string;
}

export interface CAPlan {
  readonly actions: readonly CAAction[];
  readonly availability: Availability;
  /** Of the generation asked for, where an older one still issues. */
  readonly hindrance?: Hindrance;
  /** What does not keep the CA from issuing, and should be known: a sentence each. */
  readonly notices?: readonly string[];
  /** Every authority at hand, newest generation first. */
  readonly authorities: readonly ListedAuthority[];
  /** What is to be trusted on its account though it cannot issue: what it issued is in use. */
  readonly trusted?: Omit<KnownAnchors, 'enterpriseCA'>;
}

export interface ListedAuthority {
  readonly role: 'Root' | 'Issuing';
  readonly generation: number;
  readonly certificate: Certificate;
}

export function plan({ enterpriseCA, backend }: CAObservation, now: number): CAPlan {
  switch (backend.kind) {
    case 'Managed':
      return planManaged(enterpriseCA, backend.generations, now);
    case 'Provided':
      return planProvided(enterpriseCA, backend, now);
    case 'None':
      return unavailable(
        'BackendNotSupported',
        'None of the backends in spec is one that this version has: use managed or provided.',
      );
  }
}

function planManaged(enterpriseCA: EnterpriseCA, generations: readonly Generation[], now: number): CAPlan {
  const held = generations.flatMap(({ number, root, issuing }): readonly ListedAuthority[] => [
    ...(issuing.kind === 'Held' ? [listed('Issuing', number, issuing.stored)] : []),
    ...(root.kind === 'Held' ? [listed('Root', number, root.stored)] : []),
  ]);
  const authorities = [...held].sort((a, b) => b.generation - a.generation);
  // A root whose own Secret is lost is still what everything issued under it leads to.
  const roots = generations.flatMap(({ root, issuing }) =>
    [root, issuing].flatMap((slot) => (slot.kind === 'Held' ? [slot.root] : [])),
  );
  const usable = generations.flatMap(({ number, root, issuing }) =>
    root.kind === 'Held' && issuing.kind === 'Held' ? [{ number, issuing: issuing.stored }] : [],
  );
  const issuing = generations.flatMap((each) => (each.issuing.kind === 'Held' ? [each.issuing.stored.certificate] : []));
  const trusted = { anchors: roots, issuing, keyIds: issuing.map(({ subjectKeyId }) => subjectKeyId) };
  const current = usable.at(-1);
  const { actions, hindrance } = steps(enterpriseCA, generations);
  if (current === undefined) {
    const availability: Availability =
      hindrance === undefined
        ? { available: false, reason: 'Creating', message: 'Its root and issuing CA are being made.', while: 'Reconciling' }
        : { available: false, ...hindrance, while: 'Stalled' };
    return { actions, authorities, availability, trusted };
  }
  const { certificate } = current.issuing;
  if (certificate.notAfter <= now) {
    const availability = expired(certificate, 'Raise spec.managed.generation for new keys.');
    return { actions, authorities, availability, trusted };
  }
  const authority = authorityOf(enterpriseCA, current.number, current.issuing, [certificate], roots);
  return {
    actions,
    authorities,
    availability: {
      available: true,
      authority,
      keyIds: usable.map(({ issuing: { certificate: each } }) => each.subjectKeyId),
      issuing,
      older: usable
        .slice(0, -1)
        .reverse()
        .map((each) => authorityOf(enterpriseCA, each.number, each.issuing, [each.issuing.certificate], roots)),
    },
    ...(hindrance === undefined ? {} : { hindrance }),
  };
}

/** What brings the last generation into being, one Secret after another. What existed once is never made a second time. */
function steps(
  enterpriseCA: EnterpriseCA,
  generations: readonly Generation[],
): { actions: readonly CAAction[]; hindrance: Hindrance | undefined } {
  const target = generations.at(-1);
  if (target === undefined) return { actions: [], hindrance: undefined };
  // Beside somebody's former generations a new one would be trusted alone, and what they issued no more.
  const refused = generations
    .flatMap((each) => [each.root, each.issuing].map((slot) => ({ slot, isTarget: each === target })))
    .flatMap(({ slot, isTarget }) =>
      slot.kind === 'Refused' && (isTarget || slot.reason === 'SecretNotOwned')
        ? [{ reason: slot.reason, message: slot.message }]
        : [],
    )
    .at(0);
  if (refused !== undefined) return { actions: [], hindrance: refused };
  const { number, root, issuing } = target;
  if (root.kind === 'Held') {
    const actions: readonly CAAction[] =
      issuing.kind === 'Held' ? [] : [{ kind: 'CreateIssuing', generation: number, root: root.stored }];
    return { actions, hindrance: undefined };
  }
  const existed =
    enterpriseCA.status?.authorities?.some((known) => known.role === 'Root' && known.generation === number) === true;
  if (existed || issuing.kind === 'Held') {
    return {
      actions: [],
      hindrance: {
        reason: 'SecretNotFound',
        message:
          `The Secret with the root of generation ${number} is gone. Restore it from a backup, or raise spec.managed.generation ` +
          'for new keys: a new root is never made in silence.',
      },
    };
  }
  return { actions: [{ kind: 'CreateRoot', generation: number }], hindrance: undefined };
}

function planProvided(
  enterpriseCA: EnterpriseCA,
  { secretName, found, history }: Extract<CAObservation['backend'], { kind: 'Provided' }>,
  now: number,
): CAPlan {
  if (found === undefined) {
    const message = `Secret ${secretName} does not exist in the operator's namespace. Create it with tls.crt, tls.key and ca.crt.`;
    return { ...unavailable('SecretNotFound', message), trusted: history };
  }
  if ('problems' in found) {
    const [first] = found.problems;
    const sentences = found.problems.map(({ message }) => message).join('; ');
    const message = `Secret ${secretName} holds no CA that can issue: ${sentences}.`;
    return { ...unavailable(first?.reason ?? 'NotUsable', message), trusted: history };
  }
  const [certificate] = found.chain;
  if (certificate === undefined) return unavailable('NotUsable', `tls.crt of Secret ${secretName} holds no certificate.`);
  const authorities: readonly ListedAuthority[] = [
    { role: 'Issuing', generation: 1, certificate },
    ...found.anchors.map((anchor) => ({ role: 'Root', generation: 1, certificate: anchor }) as const),
  ];
  if (certificate.notAfter <= now) {
    const availability = expired(certificate, `Put its successor into Secret ${secretName}.`);
    return { actions: [], authorities, availability, trusted: history };
  }
  const keyId = certificate.subjectKeyId;
  const known = new Set(history.anchors.map((anchor) => anchor.fingerprint));
  const anchors = [
    ...history.anchors.filter((anchor) => anchor.notAfter > now),
    ...found.anchors.filter(({ fingerprint }) => !known.has(fingerprint)),
  ];
  const keyIds = [...new Set([...history.keyIds, keyId])];
  const isRecorded = history.issuing.some(({ fingerprint }) => fingerprint === certificate.fingerprint);
  const issuing = isRecorded ? history.issuing : [...history.issuing, certificate];
  const isNew =
    !isRecorded || !history.keyIds.includes(keyId) || found.anchors.some(({ fingerprint }) => !known.has(fingerprint));
  const authority = authorityOf(enterpriseCA, 1, { certificate, privateKey: found.privateKey }, found.chain, anchors);
  return {
    actions: isNew ? [{ kind: 'WriteHistory', history: { ...history, anchors, issuing, keyIds } }] : [],
    authorities,
    availability: { available: true, authority, keyIds, issuing, older: [] },
    notices: found.notices.map(({ message }) => message),
  };
}

function authorityOf(
  enterpriseCA: EnterpriseCA,
  generation: number,
  { certificate, privateKey }: StoredAuthority,
  chain: readonly Certificate[],
  anchors: readonly Certificate[],
): Authority {
  const { name } = enterpriseCA.metadata;
  const { leaf, revocation } = enterpriseCA.spec;
  const keyId = certificate.subjectKeyId;
  const base = revocation?.baseURL?.replace(/\/+$/, '');
  const urls =
    base === undefined
      ? {}
      : {
          crl: `${base}/${name}/${keyId}.crl`,
          caIssuers: `${base}/${name}/${keyId}.crt`,
          ...(revocation?.ocsp.enabled === true ? { ocsp: `${base}/${name}/ocsp` } : {}),
        };
  return {
    enterpriseCA: name,
    generation,
    keyId,
    certificate,
    chain,
    intermediates: withoutRoots(chain),
    anchors,
    issuer: issuerOf(certificate, privateKey, urls),
    leaf: {
      duration: parseDuration(leaf.duration),
      renewAfterPercent: leaf.renewAfterPercent,
      privateKey: leaf.privateKey,
    },
  };
}

function listed(role: 'Root' | 'Issuing', generation: number, { certificate }: StoredAuthority): ListedAuthority {
  return { role, generation, certificate };
}

function unavailable(reason: string, message: string): CAPlan {
  return { actions: [], authorities: [], availability: { available: false, reason, message, while: 'Stalled' } };
}

function expired(certificate: Certificate, remedy: string): Availability {
  const since = new Date(certificate.notAfter).toISOString();
  return {
    available: false,
    reason: 'Expired',
    message: `"${certificate.subject}" has expired at ${since}. ${remedy}`,
    while: 'Stalled',
  };
}
