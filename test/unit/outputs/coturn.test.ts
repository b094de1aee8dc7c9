// What coturn reads: its configuration, and the script that keeps the secrets of a running coturn as the files say.
import { execFileSync } from 'node:child_process';
import { type CoturnSettings, coturnFiles, secretFile, secretsAmong, turnURIs } from '../../../operator/outputs/coturn.ts';

const settings: CoturnSettings = {
  relay: 'perimeter/turn',
  fqdn: 'turn.contoso.com',
  realm: 'contoso.com',
  turn: 3478,
  turns: 5349,
  minVersion: '1.2',
  fips: false,
};
const configuration = (changes: Partial<CoturnSettings> = {}) =>
  (coturnFiles({ ...settings, ...changes })['turnserver.conf'] ?? '').split('\n').filter((line) => !line.startsWith('#'));
const script = coturnFiles(settings)['run.sh'] ?? '';

describe('turnserver.conf', () => {
  it('asks for credentials of the realm, and looks for secrets in the user database', () => {
    expect(configuration()).toEqual(
      expect.arrayContaining(['realm=contoso.com', 'use-auth-secret', 'userdb=/var/lib/coturn/turndb']),
    );
    expect(configuration().join('\n')).not.toContain('static-auth-secret');
  });

  it('shows the certificate where the Secret is mounted, and takes no old TLS', () => {
    expect(configuration()).toEqual(
      expect.arrayContaining([
        'tls-listening-port=5349',
        'cert=/etc/trustmesh/default/tls.crt',
        'pkey=/etc/trustmesh/default/tls.key',
        'no-tlsv1',
        'no-tlsv1_1',
      ]),
    );
    expect(configuration()).not.toContain('no-tlsv1_2');
    expect(configuration({ minVersion: '1.3' })).toContain('no-tlsv1_2');
  });

  it('relays on the ports it is given, on coturn’s own where it is given none', () => {
    expect(configuration().filter((line) => line.endsWith('50999'))).toEqual([]);
    expect(configuration({ relayPorts: { from: 50000, to: 50999 } })).toEqual(
      expect.arrayContaining(['min-port=50000', 'max-port=50999']),
    );
  });

  it('within FIPS keeps to approved suites and curves, and says what that does not reach', () => {
    const lines = configuration({ fips: true }).join('\n');
    expect(lines).not.toMatch(/CHACHA20/);
    expect(lines).toContain('ec-curve-name=prime256v1');
    expect(configuration().join('\n')).toMatch(/CHACHA20/);
    expect(coturnFiles({ ...settings, fips: true })['turnserver.conf']).toContain(
      '# FIPS: coturn cannot be told its TLS 1.3 suites',
    );
  });
});

describe('run.sh', () => {
  it('is a script that a shell can read', () => {
    expect(execFileSync('sh', ['-n'], { input: script }).toString()).toBe('');
  });

  it('adds secrets before it takes any away', () => {
    expect(script.indexOf('--set-secret')).toBeLessThan(script.indexOf('--delete-secret'));
  });
});

describe('the secrets of a Secret', () => {
  it('are told from its other keys', () => {
    expect(secretsAmong(['turnserver.conf', secretFile('20260101000000'), 'run.sh'])).toEqual(new Set(['20260101000000']));
  });
});

it('clients are told of UDP first, and of TLS for where nothing else gets through', () => {
  expect(turnURIs(settings)).toEqual([
    'turn:turn.contoso.com:3478?transport=udp',
    'turn:turn.contoso.com:3478?transport=tcp',
    'turns:turn.contoso.com:5349?transport=tcp',
  ]);
});
