// What is rendered for FreeSWITCH, which has not taken it here: its source is all that vouches for the form. The script that
// lays out certificates is run, and what it lays out is tried on the same mechanism of OpenSSL.
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import type { EncryptionLevel } from '../../../operator/api/v1alpha1/index.ts';
import { parseCertificates } from '../../../operator/pki/certificate.ts';
import { mount, relocated } from '../../support/mounted.ts';
import { makeAuthority, makeMaterial } from '../../support/peers/material.ts';
import { runProgram } from '../../support/process.ts';
import { file, filesOf, trunk, type Wish } from './rendered.ts';

const pool: Wish = { role: 'Mediation', trunks: [trunk] };

const parameters = (text: string) =>
  Object.fromEntries([...text.matchAll(/<param name="([^"]+)" value="([^"]*)"\/>/g)].map(([, name, value]) => [name, value]));

it('holds callers to the names of peers and gateways, and who is called to its name', () => {
  expect(parameters(file('FreeSWITCH', 'freeswitch-sip.xml', pool))).toMatchObject({
    'tls-verify-policy': 'subjects_all',
    'tls-verify-in-subjects': [
      'spiffe://contoso.com/mediation/medpool.contoso.com',
      'spiffe://contoso.com/mediation/medpool.contoso.com/med01.contoso.com',
      'spiffe://contoso.com/mediation/medpool.contoso.com/medpool.contoso.com',
      'gw01.contoso.com',
    ].join('|'),
    'tls-verify-date': 'true',
    'tls-only': 'true',
  });
});

it('lets nobody in where nobody is listed: an empty list lets in everybody', () => {
  const text = file('FreeSWITCH', 'freeswitch-sip.xml', { peers: [] });
  expect(parameters(text)).toMatchObject({ 'tls-verify-policy': 'subjects_all', 'tls-verify-in-subjects': 'trustmesh:nobody' });
});

it('asks clients for no certificate, and holds whom it calls to its name', () => {
  const listeners = [{ name: 'clients', port: 5063, protocol: 'TLS' }];
  const text = parameters(file('FreeSWITCH', 'freeswitch-clients.xml', { listeners }));
  expect(text).toMatchObject({ 'tls-verify-policy': 'subjects_out' });
  expect(text).not.toHaveProperty('tls-verify-in-subjects');
});

it.each([
  ['1.2', 'tlsv1.2,tlsv1.3'],
  ['1.3', 'tlsv1.3'],
])('speaks nothing below TLS %s', (minVersion, versions) => {
  const text = file('FreeSWITCH', 'freeswitch-sip.xml', { domain: { security: { tls: { minVersion } } } });
  expect(parameters(text)).toMatchObject({ 'tls-version': versions });
});

it.each([
  ['Required', 'mandatory'],
  ['Supported', 'optional'],
  ['NotSupported', 'forbidden'],
])('has media of a domain %s: %s', (encryptionLevel, level) => {
  const text = file('FreeSWITCH', 'freeswitch-media.xml', { domain: { media: { encryptionLevel } } });
  expect(text).toContain(`data="rtp_secure_media=${level}"`);
});

it('has media of a server by its own level, where it has one', () => {
  const level = (encryptionLevel: EncryptionLevel, domain: EncryptionLevel) =>
    /rtp_secure_media=(\w+)/.exec(
      file('FreeSWITCH', 'freeswitch-media.xml', { encryptionLevel, domain: { media: { encryptionLevel: domain } } }),
    )?.[1];
  expect(level('Required', 'Supported')).toBe('mandatory');
  expect(level('Supported', 'Required')).toBe('optional');
  expect(level('NotSupported', 'Supported')).toBe('forbidden');
  expect(level('NotSupported', 'Required')).toBe('forbidden');
});

it.each([
  ['Required', 'Required', 'mandatory'],
  ['Optional', 'Required', 'mandatory'],
  // The two contradict each other: SRTP or no call.
  ['NotSupported', 'Required', 'mandatory'],
  ['NotSupported', 'Supported', 'forbidden'],
  ['Required', 'Supported', 'mandatory'],
] as const)('has media of a trunk with srtp %s, where the server is %s: %s', (srtp, encryptionLevel, level) => {
  const text = file('FreeSWITCH', 'freeswitch-gateways.xml', { ...pool, encryptionLevel, trunks: [{ ...trunk, srtp }] });
  expect(text).toContain(`<variable name="rtp_secure_media" value="${level}"/>`);
  expect(parameters(text)).toMatchObject({ proxy: 'gw01.contoso.com:5067', register: 'false', 'register-transport': 'tls' });
});

it('is not rendered for an Edge: the common name counts as a name', () => {
  expect(() => filesOf('FreeSWITCH', { role: 'Edge' })).toThrow(
    /^FreeSWITCH is not rendered for an Edge: it takes the common name/,
  );
});

it('has comments that XML takes, whatever the server is called', () => {
  for (const [name, text] of Object.entries(filesOf('FreeSWITCH', pool)).filter(([key]) => key.endsWith('.xml'))) {
    const [comment = ''] = /<!--[\s\S]*?-->/.exec(text) ?? [];
    expect([name, comment.slice(4, -3).includes('--')]).toEqual([name, false]);
  }
});

it('lays out certificates so that the chain is sent and no intermediate is an anchor', async () => {
  const root = await mkdtemp(join(tmpdir(), 'trustmesh-freeswitch-'));
  try {
    const authority = makeAuthority('Contoso');
    const material = makeMaterial(authority, { dnsNames: ['pool01.contoso.com'] });
    await mount(join(root, 'default'), { ...material });
    const directory = join(root, 'run');
    const script = join(root, 'certificates.sh');
    const { 'freeswitch-default-certificates.sh': text = '' } = relocated(filesOf('FreeSWITCH'), root);
    await writeFile(script, text.replaceAll('/run/trustmesh/freeswitch-default', directory));
    for (const _ of ['at start', 'after a renewal']) await runProgram('sh', [script]);

    const [agent, anchors] = await Promise.all(
      ['agent.pem', 'cafile.pem'].map((name) => readFile(join(directory, name), 'utf8')),
    );
    if (agent === undefined || anchors === undefined) throw new Error('nothing was laid out');
    expect((await stat(join(directory, 'agent.pem'))).mode & 0o777).toBe(0o600);
    const [leaf, ...intermediates] = parseCertificates(material['tls.crt'].toString());
    expect(parseCertificates(anchors).map(({ pem }) => pem)).toEqual(
      [...authority.anchors, ...intermediates].map(({ pem }) => pem),
    );
    // libsofia loads the first certificate of agent.pem alone; OpenSSL completes the chain from what is verified with.
    expect(agent.startsWith(leaf?.pem ?? 'nothing')).toBe(true);
    await using server = createServer({ cert: leaf?.pem ?? '', key: agent, ca: anchors }, (socket) => void socket.end());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const caller = connect({ host: '127.0.0.1', port, servername: 'pool01.contoso.com', ca: material['ca.crt'] });
    await once(caller, 'secureConnect');
    expect(caller.authorized).toBe(true);
    caller.destroy();
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
