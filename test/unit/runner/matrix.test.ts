// The matrix of software: made of what tests recorded, one row a piece of software.
import { renderMatrix } from '../../runner/matrix.ts';
import type { Row } from '../../support/matrix.ts';

const row = (software: string, capability: Row['capability'], result: string): Row => ({
  software,
  version: '1.0',
  capability,
  result,
  file: 'test/interop/some.test.ts',
  test: `${software} does something`,
});

it('has a row for each piece of software, in order, and says what nobody has measured', () => {
  const text = renderMatrix([
    row('nginx', 'CRL', 'yes'),
    row('Envoy', 'Reload', 'by itself'),
    row('Envoy', 'Name check', 'a | b'),
  ]);
  expect(text).toBe(
    `| Software | Name check | Allow-list | CRL | Reload | Name constraints |
|---|---|---|---|---|---|
| Envoy 1.0 | a \\| b | not measured | not measured | by itself | not measured |
| nginx 1.0 | not measured | not measured | yes | not measured | not measured |

| Measured | by the test | in |
|---|---|---|
| Envoy: Name check | Envoy does something | \`test/interop/some.test.ts\` |
| Envoy: Reload | Envoy does something | \`test/interop/some.test.ts\` |
| nginx: CRL | nginx does something | \`test/interop/some.test.ts\` |`,
  );
});
