// Every flag and every variable: what each means, and the sentence a user reads where it cannot be used.
import { hostname } from 'node:os';
import { ConfigError, readConfig, usage } from '../../../operator/config.ts';

const read = (args: readonly string[] = [], environment: Readonly<Record<string, string>> = {}) => {
  const config = readConfig(args, environment);
  if (config === 'help') throw new Error('asked for help');
  return config;
};

function refusal(args: readonly string[], environment: Readonly<Record<string, string>> = {}): string {
  try {
    readConfig(args, environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'accepted';
}

it('needs nothing', () => {
  expect(read()).toEqual({
    kubeconfig: undefined,
    namespace: 'trustmesh-system',
    listen: { port: 8080 },
    logLevel: 'info',
    logFormat: 'text',
    leaderElect: false,
    watchNamespaces: undefined,
    membershipGrace: 600_000,
    bundles: undefined,
    resolvers: [],
    identity: `${hostname()}-${process.pid}`,
  });
});

/** A flag, its variable, what is written, and what comes of it. */
const accepted: readonly (readonly [flag: string, variable: string, text: string, expected: object])[] = [
  ['kubeconfig', 'TRUSTMESH_KUBECONFIG', '/etc/admin.conf', { kubeconfig: '/etc/admin.conf' }],
  ['namespace', 'TRUSTMESH_NAMESPACE', 'pki', { namespace: 'pki' }],
  ['listen', 'TRUSTMESH_LISTEN', ':0', { listen: { port: 0 } }],
  ['listen', 'TRUSTMESH_LISTEN', '127.0.0.1:9090', { listen: { host: '127.0.0.1', port: 9090 } }],
  ['listen', 'TRUSTMESH_LISTEN', '[::1]:65535', { listen: { host: '::1', port: 65_535 } }],
  ['log-level', 'TRUSTMESH_LOG_LEVEL', 'debug', { logLevel: 'debug' }],
  ['log-level', 'TRUSTMESH_LOG_LEVEL', 'error', { logLevel: 'error' }],
  ['log-format', 'TRUSTMESH_LOG_FORMAT', 'json', { logFormat: 'json' }],
  ['watch-namespaces', 'TRUSTMESH_WATCH_NAMESPACES', 'voice', { watchNamespaces: ['voice'] }],
  ['watch-namespaces', 'TRUSTMESH_WATCH_NAMESPACES', 'voice, web,voice', { watchNamespaces: ['voice', 'web'] }],
  ['membership-grace', 'TRUSTMESH_MEMBERSHIP_GRACE', '1h30m', { membershipGrace: 5_400_000 }],
  ['membership-grace', 'TRUSTMESH_MEMBERSHIP_GRACE', '0s', { membershipGrace: 0 }],
  ['resolver', 'TRUSTMESH_RESOLVER', '10.96.0.10', { resolvers: [{ host: '10.96.0.10', port: 53 }] }],
  [
    'resolver',
    'TRUSTMESH_RESOLVER',
    'dns.contoso.com:5353, [fd00::10]:54,fd00::10',
    {
      resolvers: [
        { host: 'dns.contoso.com', port: 5353 },
        { host: 'fd00::10', port: 54 },
        { host: 'fd00::10', port: 53 },
      ],
    },
  ],
];

it.each(accepted)('reads --%s and %s: %s', (flag, variable, text, expected) => {
  expect(read([`--${flag}`, text])).toMatchObject(expected);
  expect(read([`--${flag}=${text}`])).toMatchObject(expected);
  expect(read([], { [variable]: text })).toMatchObject(expected);
});

/** A flag, its variable, what is written, and how the sentence goes on after it. */
const refused: readonly (readonly [flag: string, variable: string, text: string, sentence: string])[] = [
  ['namespace', 'TRUSTMESH_NAMESPACE', 'My_Space', 'is not the name of a namespace.'],
  ['listen', 'TRUSTMESH_LISTEN', '8080', 'is not HOST:PORT or :PORT.'],
  ['listen', 'TRUSTMESH_LISTEN', '::1:8080', 'is not HOST:PORT or :PORT.'],
  ['listen', 'TRUSTMESH_LISTEN', ':http', 'is not HOST:PORT or :PORT.'],
  ['listen', 'TRUSTMESH_LISTEN', ':65536', 'has a port above 65535.'],
  ['log-level', 'TRUSTMESH_LOG_LEVEL', 'loud', 'is not one of error, warn, info, debug.'],
  ['log-format', 'TRUSTMESH_LOG_FORMAT', 'xml', 'is not one of text, json.'],
  ['watch-namespaces', 'TRUSTMESH_WATCH_NAMESPACES', 'voice,,web', 'is not a list of namespaces separated by commas.'],
  ['watch-namespaces', 'TRUSTMESH_WATCH_NAMESPACES', 'Voice', 'is not a list of namespaces separated by commas.'],
  ['membership-grace', 'TRUSTMESH_MEMBERSHIP_GRACE', '3 days', 'is not a duration such as 10m or 1h30m.'],
  ['membership-grace', 'TRUSTMESH_MEMBERSHIP_GRACE', '-5m', 'is not a duration such as 10m or 1h30m.'],
  [
    'resolver',
    'TRUSTMESH_RESOLVER',
    '10.96.0.10,dns:dns',
    'is not a list of DNS servers, each HOST or HOST:PORT, separated by commas.',
  ],
];

it.each(refused)('refuses --%s and %s: %s', (flag, variable, text, sentence) => {
  const expected = `--${flag} (or ${variable}): ${JSON.stringify(text)} ${sentence}`;
  expect(refusal([`--${flag}=${text}`])).toBe(expected);
  expect(refusal([], { [variable]: text })).toBe(expected);
});

describe('the bundle endpoint', () => {
  it('has where it listens and its certificate together', () => {
    const bundles = { listen: { host: '127.0.0.1', port: 8443 }, tlsDirectory: '/etc/tls' };
    expect(read(['--bundle-listen=127.0.0.1:8443', '--bundle-tls-dir=/etc/tls'])).toMatchObject({ bundles });
    const variables = { TRUSTMESH_BUNDLE_LISTEN: '127.0.0.1:8443', TRUSTMESH_BUNDLE_TLS_DIR: '/etc/tls' };
    expect(read([], variables)).toMatchObject({ bundles });
  });

  it('is not half there', () => {
    expect(refusal(['--bundle-listen=:8443'])).toBe(
      '--bundle-tls-dir (or TRUSTMESH_BUNDLE_TLS_DIR): is needed with --bundle-listen.',
    );
    expect(refusal(['--bundle-tls-dir=/etc/tls'])).toBe(
      '--bundle-listen (or TRUSTMESH_BUNDLE_LISTEN): is needed with --bundle-tls-dir.',
    );
    expect(refusal(['--bundle-tls-dir='])).toContain('"" is empty: give the path of a directory.');
    expect(refusal(['--bundle-listen=8443', '--bundle-tls-dir=/etc/tls'])).toBe(
      '--bundle-listen (or TRUSTMESH_BUNDLE_LISTEN): "8443" is not HOST:PORT or :PORT.',
    );
  });
});

it('takes a list by commas, and by a flag that is given again', () => {
  const resolvers = [
    { host: '192.0.2.1', port: 53 },
    { host: '192.0.2.2', port: 53 },
  ];
  expect(read(['--resolver=192.0.2.1', '--resolver=192.0.2.2'])).toMatchObject({ resolvers });
  expect(read(['--resolver', '192.0.2.1,192.0.2.2'])).toMatchObject({ resolvers });
});

describe('leader election', () => {
  it('is a flag without value, or a variable that says true or false', () => {
    expect(read(['--leader-elect']).leaderElect).toBe(true);
    expect(read([], { TRUSTMESH_LEADER_ELECT: 'true' }).leaderElect).toBe(true);
    expect(read([], { TRUSTMESH_LEADER_ELECT: 'false' }).leaderElect).toBe(false);
    expect(read(['--leader-elect'], { TRUSTMESH_LEADER_ELECT: 'false' }).leaderElect).toBe(true);
  });

  it('is not silently off for any other word', () => {
    expect(refusal([], { TRUSTMESH_LEADER_ELECT: '1' })).toBe(
      '--leader-elect (or TRUSTMESH_LEADER_ELECT): "1" is neither true nor false.',
    );
  });
});

it('takes the flag where the variable says otherwise', () => {
  expect(read(['--namespace', 'flag'], { TRUSTMESH_NAMESPACE: 'variable' }).namespace).toBe('flag');
});

it('takes an empty variable for none, and an empty path for a mistake', () => {
  expect(read([], { TRUSTMESH_KUBECONFIG: '', TRUSTMESH_WATCH_NAMESPACES: '' })).toMatchObject({
    kubeconfig: undefined,
    watchNamespaces: undefined,
  });
  expect(refusal(['--kubeconfig='])).toBe('--kubeconfig (or TRUSTMESH_KUBECONFIG): "" is empty: give the path of a kubeconfig.');
});

it('names every flag that is wrong, a line each', () => {
  expect(refusal(['--namespace=A', '--log-level=loud']).split('\n')).toHaveLength(2);
});

it.each([[['--nonsense']], [['operand']], [['--listen']], [['--leader-elect=true']]])('explains its usage to %j', (args) => {
  expect(refusal(args)).toContain(usage());
});

it('has its Pod for identity, where it runs in one', () => {
  expect(read([], { POD_NAME: 'trustmesh-7d9' }).identity).toBe('trustmesh-7d9');
});

it('prints every flag with what it is for', () => {
  expect(readConfig(['--help'], {})).toBe('help');
  for (const flag of [
    ...new Set([...accepted, ...refused].map(([name]) => name)),
    'leader-elect',
    'bundle-listen',
    'bundle-tls-dir',
    'help',
  ]) {
    expect(usage()).toMatch(new RegExp(`^ {2}--${flag}( [A-Z,:]+)? +[A-Z].*\\.$`, 'm'));
  }
});
