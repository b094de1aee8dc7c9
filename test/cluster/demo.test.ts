// The demo as a stranger runs it, to its end: it exits with 0 only if every handshake went as the trust model says.
import { join } from 'node:path';
import { needing } from '../support/needing.ts';
import { runProgram } from '../support/process.ts';

const { it } = needing('etcd', 'kube-apiserver', 'kube-controller-manager', 'helm', 'kubectl');

const repository = join(import.meta.dirname, '../..');

it('shows who is accepted, who is refused and why, and ends well', async () => {
  const { stdout } = await runProgram(process.execPath, ['examples/demo/main.ts', '--once'], {
    name: 'the demo',
    cwd: repository,
    env: { NODE_OPTIONS: undefined, FORCE_COLOR: undefined },
    limitMs: 110_000,
  });
  const seen = stdout.split('\n').map((line) =>
    line
      .trimEnd()
      .replace(/\s{2,}/g, '  ')
      .trim(),
  );
  for (const expected of [
    '90 handshakes: 48 accepted, 42 refused',
    'fe01  FrontEnd  ·  ✔  ✔  ✔  ✔  ✔  ✔  ✔  ✘  ✘',
    'chat01  PersistentChat  ✔  ✔  ✔  ✔  ✘  ✘  ·  ✘  ✘  ✘',
    'cdr01  Server  ✘  ✘  ✘  ✘  ✘  ✘  ✘  ✘  ·  ✔',
    'fe01 FrontEnd  med01 Mediation  ✔ accepted  registrar – Mediation: SIP and media',
    'client in desktops  web services of fe01  ✔ accepted  TLS: it trusts the bundle of desktops',
    'fe03, named by nobody  med01  ✘ refused  peer not in topology',
    'chat01 PersistentChat  med01 Mediation  ✘ refused  peer not in topology',
    'fe01 by another CA  med01  ✘ refused  untrusted issuer',
    'fe01 of yesterday  med01  ✘ refused  expired',
    'somebody  fe01  ✘ refused  no certificate presented',
    'fe01 FrontEnd  edge01 from outside  ✘ refused  untrusted issuer',
    'med01 Mediation  fe01 taken for dir01  ✘ refused  name mismatch',
    'partner fabrikam.com  edge01 from outside  ✔ accepted  outside, for fabrikam.com alone',
    'forger at Fabrikam  edge01 from outside  ✘ refused  name not permitted',
    'partner fabrikam.com  fe01 FrontEnd  ✘ refused  untrusted issuer',
    'blocked fabrikam.com  edge01 from outside  ✘ refused  untrusted issuer',
    'bot01 with a copied key  fe01 FrontEnd  ✘ refused  peer not in topology',
    '✔ Every handshake went as the trust model says.',
  ]) {
    expect(seen).toContain(expected);
  }
  // Nobody looks at it here: no colours, no line that is written over another.
  expect(stdout).not.toContain('\u001b');
  expect(stdout).not.toContain('\r');
  expect(stdout.split('\n').filter((line) => line.length > 100)).toEqual([]);
  expect(seen.filter((line) => / {2}(CertificateIssued|TrustBundleUpdated|PeerRemoved) {2}/.test(line)).length).toBeGreaterThan(
    30,
  );
});
