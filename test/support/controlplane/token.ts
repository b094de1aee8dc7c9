// Tokens of service accounts, as a pod would hold them.
import { z } from 'zod';
import type { ServiceAccountKey } from './index.ts';
import { askApiServer } from './kubeconfig.ts';

const tokenRequest = z.object({ status: z.object({ token: z.string() }) });

/** Mints a token by TokenRequest with an administrator's kubeconfig; valid for a day. Throws the API server's answer. */
export async function mintToken(kubeconfig: string, { namespace, name }: ServiceAccountKey): Promise<string> {
  const { status, body } = await askApiServer(
    kubeconfig,
    'POST',
    `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`,
    {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: 24 * 3600 },
    },
  );
  if (status !== 201) throw new Error(`no token for service account ${namespace}/${name}: ${status} ${body}`);
  return tokenRequest.parse(JSON.parse(body)).status.token;
}
