// Flags and environment, validated once into one value. A flag wins over its variable.
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { parseDuration } from './api/v1alpha1/duration.ts';
import { type DNSServer, parseServer } from './federation/dns-exchange.ts';

export interface Address {
  /** Absent: every address. */
  readonly host?: string | undefined;
  readonly port: number;
}

export interface Config {
  /** Path of a kubeconfig; absent: the usual places, then the Pod's own service account. */
  readonly kubeconfig?: string | undefined;
  /** The operator's own namespace. */
  readonly namespace: string;
  readonly listen: Address;
  readonly logLevel: 'error' | 'warn' | 'info' | 'debug';
  readonly logFormat: 'text' | 'json';
  readonly leaderElect: boolean;
  /** Absent: all. */
  readonly watchNamespaces?: readonly string[] | undefined;
  /** Unique among replicas. */
  readonly identity: string;
  /** How long what lost its membership or admission is left as it is, ms. */
  readonly membershipGrace: number;
  /** Where our own bundles are served, and the directory of `tls.crt` and `tls.key`; absent: nowhere. */
  readonly bundles?: { readonly listen: Address; readonly tlsDirectory: string } | undefined;
  /** Asked for the edges of partners; empty: those of the system. */
  readonly resolvers: readonly DNSServer[];
}

/** What the user wrote cannot be used; the message has a sentence for each flag. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

interface Flag {
  readonly type: 'string' | 'boolean';
  /** May be given several times: a list, as with commas. */
  readonly multiple?: boolean;
  readonly value?: string;
  readonly help: string;
}

const flags = {
  kubeconfig: {
    type: 'string',
    value: 'FILE',
    help: 'The cluster to work on. Default: KUBECONFIG, ~/.kube/config, or the Pod it runs in.',
  },
  namespace: {
    type: 'string',
    value: 'NAME',
    help: "The operator's own namespace, which must exist. Default: trustmesh-system.",
  },
  listen: {
    type: 'string',
    value: 'HOST:PORT',
    help: 'Where metrics and health are served; port 0 takes a free one. Default: :8080.',
  },
  'log-level': { type: 'string', value: 'LEVEL', help: 'error, warn, info or debug. Default: info.' },
  'log-format': { type: 'string', value: 'FORMAT', help: 'text or json. Default: text.' },
  'leader-elect': { type: 'boolean', help: 'Work only while holding the Lease "trustmesh", so that replicas take turns.' },
  'watch-namespaces': { type: 'string', value: 'A,B', help: 'Look at these namespaces alone. Default: all.' },
  'membership-grace': {
    type: 'string',
    value: 'DURATION',
    help: 'How long a namespace or server that lost its membership or admission is left as it is. Default: 10m.',
  },
  'bundle-listen': {
    type: 'string',
    value: 'HOST:PORT',
    help: "Where the trust domains' bundles are served to partners, over HTTPS. Default: nowhere.",
  },
  'bundle-tls-dir': {
    type: 'string',
    value: 'DIRECTORY',
    help: 'Holds tls.crt and tls.key for --bundle-listen; looked at again every 10 s.',
  },
  resolver: {
    type: 'string',
    multiple: true,
    value: 'A,B',
    help: 'DNS servers, HOST or HOST:PORT, asked for the edges of partners. Default: those of the system.',
  },
  help: { type: 'boolean', help: 'Print this and exit.' },
} as const satisfies Readonly<Record<string, Flag>>;

type FlagName = keyof typeof flags;

const dnsLabel = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

const address = z
  .string()
  .regex(/^(\[[0-9a-fA-F:]+\]|[^:[\]]*):[0-9]{1,5}$/, 'is not HOST:PORT or :PORT')
  .transform((text): Address => {
    const colon = text.lastIndexOf(':');
    const host = text.slice(0, colon).replace(/^\[|\]$/g, '');
    return { ...(host === '' ? {} : { host }), port: Number(text.slice(colon + 1)) };
  })
  .refine(({ port }) => port <= 65535, 'has a port above 65535');

const list = (text: string): readonly string[] => [...new Set(text.split(',').map((each) => each.trim()))];

const schema = z.object({
  kubeconfig: z.string().min(1, 'is empty: give the path of a kubeconfig').optional(),
  namespace: z.string().regex(dnsLabel, 'is not the name of a namespace').default('trustmesh-system'),
  listen: address.prefault(':8080'),
  'log-level': z.enum(['error', 'warn', 'info', 'debug'], 'is not one of error, warn, info, debug').default('info'),
  'log-format': z.enum(['text', 'json'], 'is not one of text, json').default('text'),
  // A flag is there or not, a variable has a value.
  'leader-elect': z
    .union([z.boolean(), z.enum(['true', 'false'])], 'is neither true nor false')
    .default(false)
    .transform((value) => value === true || value === 'true'),
  'watch-namespaces': z
    .string()
    .transform(list)
    .refine((names) => names.every((name) => dnsLabel.test(name)), 'is not a list of namespaces separated by commas')
    .optional(),
  'membership-grace': z
    .string()
    .regex(/^([0-9]+(h|m|s))+$/, 'is not a duration such as 10m or 1h30m')
    .default('10m')
    .transform(parseDuration),
  'bundle-listen': address.optional(),
  'bundle-tls-dir': z.string().min(1, 'is empty: give the path of a directory').optional(),
  resolver: z
    .string()
    .transform((text) => list(text).map(parseServer))
    .refine(
      (servers): servers is DNSServer[] => !servers.includes(undefined),
      'is not a list of DNS servers, each HOST or HOST:PORT, separated by commas',
    )
    .optional(),
});

const complete = schema.superRefine((given, { addIssue }) => {
  const missing = (flag: FlagName, message: string) => addIssue({ code: 'custom', path: [flag], message });
  const [listen, directory] = [given['bundle-listen'], given['bundle-tls-dir']];
  if (listen !== undefined && directory === undefined) missing('bundle-tls-dir', 'is needed with --bundle-listen');
  if (listen === undefined && directory !== undefined) missing('bundle-listen', 'is needed with --bundle-tls-dir');
});

/**
 * @param args without the program's own name
 * @throws ConfigError
 */
export function readConfig(args: readonly string[], environment: Readonly<Record<string, string | undefined>>): Config | 'help' {
  const given = parseFlags(args);
  if (given.help === true) return 'help';
  const fromEnvironment = Object.fromEntries(
    Object.keys(flags).flatMap((name) => {
      const value = environment[variableOf(name)];
      return value === undefined || value === '' || name === 'help' ? [] : [[name, value]];
    }),
  );
  const parsed = complete.safeParse({ ...fromEnvironment, ...given });
  if (!parsed.success) {
    throw new ConfigError(
      parsed.error.issues
        .map(({ path: [name], message }) => {
          const flag = String(name) as FlagName;
          const written = given[flag] ?? fromEnvironment[flag];
          const what = written === undefined ? '' : `${JSON.stringify(written)} `;
          return `--${flag} (or ${variableOf(flag)}): ${what}${message}.`;
        })
        .join('\n'),
    );
  }
  const { kubeconfig, namespace, listen, resolver } = parsed.data;
  const [bundleListen, tlsDirectory] = [parsed.data['bundle-listen'], parsed.data['bundle-tls-dir']];
  return {
    kubeconfig,
    namespace,
    listen,
    logLevel: parsed.data['log-level'],
    logFormat: parsed.data['log-format'],
    leaderElect: parsed.data['leader-elect'],
    watchNamespaces: parsed.data['watch-namespaces'],
    membershipGrace: parsed.data['membership-grace'],
    bundles: bundleListen && tlsDirectory ? { listen: bundleListen, tlsDirectory } : undefined,
    resolvers: resolver ?? [],
    identity: environment['POD_NAME'] ?? `${hostname()}-${process.pid}`,
  };
}

export function usage(): string {
  const lines = Object.entries<Flag>(flags).map(([name, { value, help }]) => {
    const flag = value === undefined ? `--${name}` : `--${name} ${value}`;
    return `  ${flag.padEnd(30)}${help}`;
  });
  return [
    'Usage: trustmesh [flags]',
    '',
    ...lines,
    '',
    `Each flag can be given as a variable as well: --log-level as ${variableOf('log-level')}.`,
  ].join('\n');
}

function variableOf(flag: string): string {
  return `TRUSTMESH_${flag.replaceAll('-', '_').toUpperCase()}`;
}

function parseFlags(args: readonly string[]): Partial<Record<FlagName, string | boolean>> {
  const options = Object.fromEntries(
    Object.entries<Flag>(flags).map(([name, { type, multiple = false }]) => [name, { type, multiple }]),
  );
  try {
    const { values } = parseArgs({ args: [...args], options, strict: true, allowPositionals: false });
    return Object.fromEntries(
      Object.entries(values).map(([name, value]) => [name, Array.isArray(value) ? value.join(',') : value]),
    );
  } catch (error) {
    throw new ConfigError(`${error instanceof Error ? error.message : String(error)}\n\n${usage()}`);
  }
}
