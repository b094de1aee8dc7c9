// The control plane that every other cluster test stands on.
import { type ControlPlane, startControlPlane } from '../support/controlplane/index.ts';
import { askApiServer } from '../support/controlplane/kubeconfig.ts';

describe('a control plane', () => {
  let controlPlane: ControlPlane;
  beforeAll(async () => {
    controlPlane = await startControlPlane();
  });
  afterAll(() => controlPlane?.stop());

  const ask = (method: string, path: string, body?: unknown) => askApiServer(controlPlane.kubeconfig, method, path, body);

  it('says its version as a release does', async () => {
    const { body } = await ask('GET', '/version');
    expect(JSON.parse(body)).toMatchObject({
      major: '1',
      minor: expect.stringMatching(/^\d+/),
      gitVersion: expect.not.stringMatching(/^v0/),
    });
  });
});
