// Flags and environment, validated once into one value. A flag wins over its variable.
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { parseDuration } from './api/v1alpha1/duration.ts';

export interface Config {
  /** Path of a kubeconfig; absent: the usual places, then the Pod's own service account. */
  readonly kubeconfig?: string | undefined;
  /** The operator's own namespace. */
  readonly namespace: string;
  readonly listen: { readonly host?: string | undefined; readonly port: number };
  readonly logLevel: 'error' | 'warn' | 'info' | 'debug';
  readonly logFormat: 'text' | 'json';
  readonly leaderElect: boolean;
  /** Absent: all. */
  readonly watchNamespaces?: readonly string[] | undefined;
  /** Unique among replicas. */
  readonly identity: string;
  /** How long what lost its membership or admission is left as it is, ms. */
  readonly membershipGrace: number;
}

/** What the user wrote cannot be used; the message has a sentence for each flag. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

interface Flag {
  readonly type: 'string' | 'boolean';
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
  help: { type: 'boolean', help: 'Print this and exit.' },
} as const satisfies Readonly<Record<string, Flag>>;

type FlagName = keyof typeof flags;

const dnsLabel = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

const schema = z.object({
  kubeconfig: z.string().min(1, 'is empty: give the path of a kubeconfig').optional(),
  namespace: z.string().regex(dnsLabel, 'is not the name of a namespace').default('trustmesh-system'),
  listen: z
    .string()
    .regex(/^(\[[0-9a-fA-F:]+\]|[^:[\]]*):[0-9]{1,5}$/, 'is not HOST:PORT or :PORT')
    .default(':8080')
    .transform((text) => {
      const colon = text.lastIndexOf(':');
      const host = text.slice(0, colon).replace(/^\[|\]$/g, '');
      return { ...(host === '' ? {} : { host }), port: Number(text.slice(colon + 1)) };
    })
    .refine(({ port }) => port <= 65535, 'has a port above 65535'),
  'log-level': z.enum(['error', 'warn', 'info', 'debug'], 'is not one of error, warn, info, debug').default('info'),
  'log-format': z.enum(['text', 'json'], 'is not one of text, json').default('text'),
  // A flag is there or not, a variable has a value.
  'leader-elect': z
    .union([z.boolean(), z.enum(['true', 'false'])], 'is neither true nor false')
    .default(false)
    .transform((value) => value === true || value === 'true'),
  'watch-namespaces': z
    .string()
    .transform((text) => [...new Set(text.split(',').map((name) => name.trim()))])
    .refine((names) => names.every((name) => dnsLabel.test(name)), 'is not a list of namespaces separated by commas')
    .optional(),
  'membership-grace': z
    .string()
    .regex(/^([0-9]+(h|m|s))+$/, 'is not a duration such as 10m or 1h30m')
    .default('10m')
    .transform(parseDuration),
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
  const parsed = schema.safeParse({ ...fromEnvironment, ...given });
  if (!parsed.success) {
    throw new ConfigError(
      parsed.error.issues
        .map(({ path: [name], message }) => {
          const flag = String(name) as FlagName;
          return `--${flag} (or ${variableOf(flag)}): ${JSON.stringify(given[flag] ?? fromEnvironment[flag])} ${message}.`;
        })
        .join('\n'),
    );
  }
  const { kubeconfig, namespace, listen } = parsed.data;
  return {
    kubeconfig,
    namespace,
    listen,
    logLevel: parsed.data['log-level'],
    logFormat: parsed.data['log-format'],
    leaderElect: parsed.data['leader-elect'],
    watchNamespaces: parsed.data['watch-namespaces'],
    membershipGrace: parsed.data['membership-grace'],
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
  const options = Object.fromEntries(Object.entries(flags).map(([name, { type }]) => [name, { type }]));
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new ConfigError(`${error instanceof Error ? error.message : String(error)}\n\n${usage()}`);
  }
}
