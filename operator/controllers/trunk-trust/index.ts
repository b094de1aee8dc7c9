// Keeps what each mediation pool trusts on account of its trunks. Keys: `namespace/name` of the server.
import type { Requeue } from '../../kube/controller.ts';
import type { Context, Wake } from '../context.ts';
import { requeueAt } from '../requeue.ts';
import { enact } from './enact.ts';
import { observe } from './observe.ts';
import { plan } from './plan.ts';

export async function reconcileTrunkTrust(key: string, context: Context, wake: Wake): Promise<Requeue | void> {
  const { trunks, now } = context;
  const observation = await observe(key, context);
  if (observation === undefined) return;
  const { actions, trust, lookAgainAt } = plan(observation, now());
  const [next] = actions;
  if (next !== undefined) {
    await enact(key, observation.pool, next, context);
    return await reconcileTrunkTrust(key, context, wake);
  }
  if (trunks.set(key, trust)) wake.trunks(key);
  return requeueAt(lookAgainAt, now());
}
